import Foundation
import Testing

@testable import MVMoE

/// Thousands of damaged manifests and golden files: each is read or refused by an error of ours. What would be a trap ends the
/// process, and the tests with it.
@Suite(.timeLimit(.minutes(10))) struct DamagedManifestTests {
  private static let read = "read"

  private static let times = 2000

  private let folder = TemporaryFolder()

  @Test func bytesOfAManifestAreChanged() throws {
    var damage = Damage(seed: 20_261_127)
    let manifests = try manifests()
    let outcomes = (0..<Self.times).map { number in
      outcome { try checkedManifest(damage.bytes(manifests[number % manifests.count])) }
    }
    #expect(outcomes.count { $0 == Self.read } > Self.times / 100)
    #expect(Set(outcomes).count > 12, "\(Set(outcomes))")
  }

  @Test func valuesOfAManifestAreChangedForOthers() throws {
    var damage = Damage(seed: 20_261_128)
    let manifests = try manifests().map(StrictJSON.parse)
    let outcomes = (0..<Self.times).map { number in
      outcome { try damage.values(manifests[number % manifests.count]).checkedManifest() }
    }
    #expect(outcomes.count { $0 == Self.read } > Self.times / 100)
    #expect(Set(outcomes).count > 16, "\(Set(outcomes))")
  }

  @Test func bytesOfGoldenVectorsAreChanged() throws {
    var damage = Damage(seed: 20_261_129)
    let golden = try #require(try BundlesSuite.valid()["finishing"]?.files["golden.safetensors"])
    let outcomes = try (0..<Self.times / 5).map { _ in
      let file = try folder.write("golden", damage.bytes(golden))
      return outcome { try SafetensorsFile.open(file) }
    }
    #expect(Set(outcomes) == [Self.read, "bundle.golden-invalid"])
  }

  /// The manifests of the valid bundles, in an order that does not change.
  private func manifests() throws -> [[UInt8]] {
    try BundlesSuite.valid().values.sorted { $0.name < $1.name }.map(\.manifest)
  }

  private func outcome<Result>(_ work: () throws -> Result) -> String {
    do {
      _ = try work()
      return Self.read
    } catch let error as MVMoEError {
      #expect(error.message.utf8.count < 4000, "a sentence of \(error.message.utf8.count) bytes")
      return error.code.rawValue
    } catch {
      Issue.record("it was refused with \(error)")
      return "\(error)"
    }
  }
}
