import Foundation
import Testing

@testable import MVMoE

@Suite struct ModelBundleTests {
  private let folder = TemporaryFolder()
  private let bundle: ValidBundle

  init() throws { bundle = try BundlesSuite.bundle("single") }

  @Test func aBundleHasWhatItsManifestSays() throws {
    let opened = try ModelBundle.open(made())
    #expect(opened.manifest.targets.map(\.name) == ["onnx", "onnx-nnapi", "coreml", "executorch"])
    #expect(try opened.target("onnx").format == "onnx")
    #expect(opened.manifest.rules.count == 1)
    #expect(try opened.manifestSHA256 == SHA256Digest.hexadecimalDigits(of: bundle.manifest))
    #expect(opened.root == folder["single"])
    try opened.verify()
  }

  @Test func aBundleSaysWhatWasCompressedAndWhatThatCost() throws {
    let opened = try ModelBundle.open(try BundlesSuite.bundle("compressed").write(to: "compressed", of: folder))
    let compression = try #require(opened.target("onnx").compression)
    #expect(compression.weights == "int8")
    #expect(compression.activations == "dynamic-int8")
    #expect(compression.layers == 2)
    #expect(compression.plainBytes == 400)
    #expect(try opened.target("onnx").parity?.verification?.accuracy?.target == 0.908)
    #expect(try ModelBundle.open(made()).target("onnx").compression == nil)
  }

  @Test func theManifestThatWasPinnedIsOpenedAnotherIsRefusedUnread() throws {
    let root = try made()
    let pin = try ModelBundle.open(root).manifestSHA256
    _ = try ModelBundle.open(root, manifestSHA256: pin.uppercased())
    try folder.write("single/manifest.json", "not JSON at all".utf8)
    let error = refusal { try ModelBundle.open(root, manifestSHA256: pin) }
    #expect(error?.code == .bundleWrongManifest)
    let found = try SHA256Digest.hexadecimalDigits(of: Array("not JSON at all".utf8))
    #expect(error?.fields == ["expected": .text(pin), "found": .text(found)])
  }

  @Test(arguments: [
    "", zeros(63), String(repeating: "g", count: 64), " " + zeros(63), String(repeating: "٣", count: 64),
  ])
  func whatIsNoSHA256IsRefused(_ given: String) throws {
    let root = try made()
    #expect(refusal { try ModelBundle.open(root, manifestSHA256: given) }?.code == .inputInvalid)
  }

  @Test func noBundleAndAFileInItsPlace() throws {
    for place in [folder["none"], try folder.write("file", "x".utf8)] {
      let error = refusal { try ModelBundle.open(place) }
      #expect(error?.code == .bundleMissing)
      #expect(error?.message == "bundle \(place.path) is not a directory; give one that mvmoe export has written")
    }
  }

  @Test func whatIsNoPathOfAFolderIsNoBundle() throws {
    let root = try made()
    let others = ["https://example.com\(root.path)", "file://\(root.path)%00/other", "file:///%FF"]
    for text in others {
      let place = try #require(URL(string: text))
      #expect(refusal { try ModelBundle.open(place) }?.code == .bundleMissing)
    }
  }

  @Test func aFolderWithoutAManifest() throws {
    let root = try made()
    try FileManager.default.removeItem(at: root.appendingPathComponent("manifest.json"))
    #expect(refusal { try ModelBundle.open(root) }?.code == .bundleFileMissing)
    try FileManager.default.createSymbolicLink(
      atPath: root.appendingPathComponent("manifest.json").path, withDestinationPath: "onnx/stem.onnx")
    #expect(refusal { try ModelBundle.open(root) }?.code == .bundleFileNotPlain)
  }

  @Test func aWrongManifestIsOneSentenceAboutTheBundle() throws {
    let root = try made()
    try folder.write("single/manifest.json", "{}".utf8)
    let version = refusal { try ModelBundle.open(root) }
    #expect(version?.code == .bundleUnsupportedVersion)
    #expect(version?.message.hasPrefix("the manifest of bundle \(root.path) is wrong: it is of the format") == true)
    #expect(version?.message.hasSuffix("export the bundle again") == true)
    try folder.write("single/manifest.json", bundle.manifest.dropLast(2))
    let cut = refusal { try ModelBundle.open(root) }
    #expect(cut?.code == .bundleManifestNotJson)
    #expect(cut?.message.hasSuffix("; fetch the bundle again or export it again") == true)
  }

  @Test func aManifestThatIsTooLongIsReadUpToItsLimitOnly() throws {
    let root = try made()
    let file = root.appendingPathComponent("manifest.json").path
    // A hole of 64 GiB, which takes no room.
    #expect(truncate(file, 1 << 36) == 0)
    #expect(refusal { try ModelBundle.open(root) }?.code == .bundleTooLarge)
  }

  @Test func aTargetThatTheBundleLacks() throws {
    let opened = try ModelBundle.open(made())
    let error = refusal { try opened.target("tflite") }
    #expect(error?.code == .bundleNoTarget)
    #expect(
      error?.fields == ["target": "tflite", "available": ["coreml", "executorch", "onnx", "onnx-nnapi"]])
    #expect(refusal { try opened.verify(targets: ["onnx", "tflite"]) }?.code == .bundleNoTarget)
  }

  @Test func theFileOfOneTargetIsCheckedForItself() throws {
    let root = try made()
    try folder.write("single/executorch/model.pte", "another".utf8)
    let opened = try ModelBundle.open(root)
    try opened.verify(targets: ["onnx", "coreml"])
    let error = refusal { try opened.verify() }
    #expect(error?.code == .bundleSizeMismatch)
    #expect(error?.fields["file"] == "executorch/model.pte")
  }

  @Test func targetsWhoseFilesWereRemovedAreKnownDamagedOnesAreNotAmongThem() throws {
    let root = try made()
    let opened = try ModelBundle.open(root)
    #expect(opened.removedTargets() == [:])
    try remove("coreml")
    #expect(Set(opened.removedTargets().keys) == ["coreml"])
    try remove("executorch")
    #expect(
      opened.removedTargets()["executorch"] == "its files were removed from the bundle: executorch/model.pte")
    try remove("onnx/step1_e0.onnx")
    #expect(Set(opened.removedTargets().keys) == ["coreml", "executorch"])
    try FileManager.default.removeItem(at: root)
    #expect(opened.removedTargets() == [:], "nothing is left of the bundle at all")
  }

  @Test func aFileInThePlaceOfATargetsFolderWasNotRemoved() throws {
    let root = try made()
    try remove("coreml")
    try folder.write("single/coreml", "x".utf8)
    let opened = try ModelBundle.open(root)
    #expect(opened.removedTargets() == [:])
    #expect(refusal { try opened.verify(targets: ["coreml"]) }?.code == .bundleFileMissing)
  }

  private func made() throws -> URL { try bundle.write(to: "single", of: folder) }

  private func remove(_ path: String) throws { try FileManager.default.removeItem(at: folder["single/\(path)"]) }

  private static func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
}
