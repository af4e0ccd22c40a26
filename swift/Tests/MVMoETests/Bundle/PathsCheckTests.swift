import Testing

@testable import MVMoE

@Suite struct PathsCheckTests {
  @Test func targetsShareAFileOfOneSizeAndHashOnly() throws {
    #expect(try shared([file(bytes: 5), file(bytes: 5)]).checkedManifest().targets.count == 2)
    for other in [file(bytes: 6), file(bytes: 5, digit: "1"), file(bytes: 5, path: "Shared")] {
      let manifest = try shared([file(bytes: 5), other])
      #expect(refusalCode { try manifest.checkedManifest() } == "bundle.manifest-inconsistent")
    }
  }

  private func file(bytes: Int, digit: String = "0", path: String = "shared") -> JSONValue {
    ["path": .of(path), "bytes": .of(bytes), "sha256": .of(String(repeating: digit, count: 64))]
  }

  /// Two targets of the dense model, each with one of these files beside its own.
  private func shared(_ files: [JSONValue]) throws -> JSONValue {
    var manifest = try BundlesSuite.manifest("minimal")
    let target = manifest[at: "targets"].object[0].value
    manifest[at: "targets"].object = files.enumerated().map { index, file in
      var target = target
      target[at: "files"].list.append(file)
      return ("target\(index)", target)
    }
    return manifest
  }
}
