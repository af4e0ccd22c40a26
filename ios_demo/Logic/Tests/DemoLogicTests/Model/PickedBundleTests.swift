import Foundation
import MVMoE
import Testing

@testable import DemoLogic

/// Bundles that the user picks, good and bad; what was open stays open under a bad one.
@Suite(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
@MainActor
struct PickedBundleTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func refusal(of bundle: URL, freeBytes: (@Sendable (URL) -> Int?)? = nil) async throws -> String {
    let demo = try Demo(freeBytes: freeBytes)
    demo.store.start()
    try await demo.untilOpen()
    let sentence = try await demo.refusal(of: bundle)
    // Nothing is left of a copy that was not finished.
    for place in ChoiceFile.places {
      #expect(!FileManager.default.fileExists(atPath: demo.folder.file("mvmoe/\(place)/.part").path))
    }
    await demo.end()
    return sentence
  }

  @Test func aBundleThatIsPickedAnswersAndIsThereAgainWhenTheAppIs() async throws {
    let demo = try await Demo.opened()
    // What the user has picked may be taken away.
    let picked = try folder.copy(of: RepositoryFiles.bundle("two_stages"))
    demo.store.openPicked(picked)
    try await until("the bundle is open") { demo.store.model?.routed.bundle.manifest.rules.count == 2 }
    try FileManager.default.removeItem(at: picked)
    demo.draw("3")
    try await demo.untilAnswered()
    #expect(demo.trying.decisions.count == 2)
    await demo.end()
    let later = try Demo(in: demo.folder)
    later.store.start()
    try await later.untilOpen()
    #expect(later.store.model?.routed.bundle.manifest.rules.count == 2)
    later.store.openOwn()
    try await until("the app's own bundle is open") { later.store.model?.routed.bundle.manifest.rules.count == 1 }
    #expect(later.store.error == nil)
    await later.end()
    let last = try Demo(in: demo.folder)
    last.store.start()
    try await last.untilOpen()
    #expect(last.store.model?.routed.bundle.manifest.rules.count == 1)
    await last.end()
  }

  @Test(arguments: ["onnx/weights.bin", "golden.safetensors"])
  func aBundleWithAnAlteredByteIsRefusedByItsFilesName(_ file: String) async throws {
    let bundle = try folder.copy(of: RepositoryFiles.digits)
    try alterByte(of: bundle.appendingPathComponent(file), at: 1000)
    let sentence = try await refusal(of: bundle)
    #expect(sentence.contains(file.split(separator: "/").last ?? ""))
    // The folder that the user knows is named, and none of the app's own.
    #expect(sentence.contains(bundle.path) && !sentence.contains("mvmoe/picked"))
  }

  @Test func aBundleWithoutATargetForTheEngineSaysWhichItHas() async throws {
    let bundle = try folder.copy(of: RepositoryFiles.digits)
    try rewriteManifest(of: bundle) { $0.replacing(/"format": ?"onnx"/, with: "\"format\":\"coreml\"") }
    let sentence = try await refusal(of: bundle)
    #expect(sentence.contains("has no target of the engine's format onnx") && sentence.contains("(coreml)"))
  }

  @Test func aFolderThatIsNoBundleIsOneSentence() async throws {
    #expect(try await refusal(of: folder.url).contains("give a folder that mvmoe export has written"))
  }

  @Test func aManifestThatIsCutOffIsOneSentence() async throws {
    let bundle = try folder.copy(of: RepositoryFiles.digits)
    try rewriteManifest(of: bundle) { String($0.prefix(1000)) }
    #expect(try await refusal(of: bundle).hasPrefix("the manifest of bundle \(bundle.path) is wrong"))
  }

  @Test func aFileThatIsMissingIsNamed() async throws {
    let bundle = try folder.copy(of: RepositoryFiles.digits)
    try FileManager.default.removeItem(at: bundle.appendingPathComponent("golden.safetensors"))
    #expect(try await refusal(of: bundle).contains("golden.safetensors"))
  }

  @Test func aBundleThatTheStorageHasNoRoomForSaysHowMuchItNeeds() async throws {
    let bundle = try folder.copy(of: RepositoryFiles.digits)
    try rewriteManifest(of: bundle) {
      $0.replacing(/"bytes": ?[0-9]+/, with: "\"bytes\": 900000000000000", maxReplacements: 1)
    }
    #expect(try await refusal(of: bundle).contains(/the storage is too full for bundle .*: it needs 9[0-9]{14} bytes/))
  }

  @Test func aLinkInABundleIsNotFollowed() async throws {
    let bundle = try folder.copy(of: RepositoryFiles.digits)
    let golden = bundle.appendingPathComponent("golden.safetensors")
    try FileManager.default.moveItem(at: golden, to: folder.file("elsewhere"))
    try FileManager.default.createSymbolicLink(at: golden, withDestinationURL: folder.file("elsewhere"))
    #expect(try await refusal(of: bundle).contains("behind a symbolic link"))
  }

  @Test func aStorageThatBecomesFullOnTheWayIsOneSentence() async throws {
    let demo = try Demo(access: { _, _ in throw CocoaError(.fileWriteOutOfSpace) })
    demo.store.start()
    try await demo.untilOpen()
    #expect(try await demo.refusal(of: RepositoryFiles.digits).hasPrefix("the storage is too full for bundle"))
    await demo.end()
  }

  @Test func aFolderThatMayNotBeReadIsOneSentence() async throws {
    let demo = try Demo(access: { _, _ in throw CocoaError(.fileReadNoPermission) })
    demo.store.start()
    try await demo.untilOpen()
    #expect(try await demo.refusal(of: RepositoryFiles.digits).contains("cannot be copied to"))
    await demo.end()
  }
}
