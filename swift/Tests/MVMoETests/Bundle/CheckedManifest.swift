@testable import MVMoE

/// A manifest with all checks.
func checkedManifest(_ text: [UInt8]) throws -> Manifest {
  let manifest = try ManifestReader.read(StrictJSON.parse(text))
  try Consistency.check(manifest)
  return manifest
}

extension JSONValue {
  /// The manifest that this is, with all checks.
  func checkedManifest() throws -> Manifest { try MVMoETests.checkedManifest(Array(json.utf8)) }
}
