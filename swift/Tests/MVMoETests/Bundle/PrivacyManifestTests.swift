import Foundation
import Testing

/// What Apple wants to be told of APIs that could tell devices apart (*Describing use of required reason API*).
@Suite struct PrivacyManifestTests {
  private let sources = RepositoryFiles.root.appendingPathComponent("swift/Sources/MVMoE")

  @Test func itSaysWhyFilesAreAskedForTheirTimes() throws {
    let file = try Data(contentsOf: sources.appendingPathComponent("PrivacyInfo.xcprivacy"))
    let content = try #require(
      PropertyListSerialization.propertyList(from: file, format: nil) as? [String: Any])
    #expect(content["NSPrivacyTracking"] as? Bool == false)
    #expect((content["NSPrivacyCollectedDataTypes"] as? [Any])?.isEmpty == true)
    let used = try #require(content["NSPrivacyAccessedAPITypes"] as? [[String: Any]])
    #expect(
      used.map { $0["NSPrivacyAccessedAPIType"] as? String } == ["NSPrivacyAccessedAPICategoryFileTimestamp"])
    #expect(used.first?["NSPrivacyAccessedAPITypeReasons"] as? [String] == ["C617.1", "3B52.1"])
  }

  @Test func noSourceUsesAnAPIOfAnotherCategory() throws {
    let others = [
      "systemUptime", "mach_absolute_time", "UserDefaults", "activeInputModes", "systemFreeSize", "systemSize",
      "volumeAvailableCapacity", "volumeTotalCapacity", "statfs", "statvfs",
    ]
    let paths = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }
    #expect(paths.count > 50)
    for path in paths {
      let text = try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
      for other in others { #expect(!text.contains(other), "\(path) uses \(other)") }
    }
  }
}
