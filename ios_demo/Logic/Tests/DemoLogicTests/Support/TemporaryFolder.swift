import Foundation

/// A folder of a test's own, which is gone with its last reference.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("demo-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// A path in it.
  func file(_ name: String) -> URL { url.appendingPathComponent(name) }

  /// A copy of a bundle, which may be changed.
  func copy(of bundle: URL, as name: String = "copy.mvmoe") throws -> URL {
    try FileManager.default.copyItem(at: bundle, to: file(name))
    return file(name)
  }
}

/// Changes a text in a manifest; it has to be there.
func rewriteManifest(of bundle: URL, _ change: (String) throws -> String) throws {
  let file = bundle.appendingPathComponent("manifest.json")
  let before = try String(contentsOf: file, encoding: .utf8)
  let after = try change(before)
  precondition(after != before, "nothing was changed")
  try after.write(to: file, atomically: true, encoding: .utf8)
}

/// Changes a byte of a file.
func alterByte(of file: URL, at place: Int) throws {
  var bytes = try Data(contentsOf: file)
  bytes[place] &+= 1
  try bytes.write(to: file)
}
