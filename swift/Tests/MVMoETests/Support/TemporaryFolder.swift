import Foundation

/// A folder of its own for a test, which is removed with the last reference: keep it in a property of the suite.
final class TemporaryFolder {
  let url: URL

  init() {
    // Without links, so that the paths in errors are those that tests make.
    let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
    url = temporary.appendingPathComponent("mvmoe-\(UUID().uuidString)", isDirectory: true)
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Where a path of this folder is.
  subscript(path: String) -> URL { url.appendingPathComponent(path) }

  /// Writes a file, and the folders that it is in.
  @discardableResult
  func write(_ path: String, _ content: some Sequence<UInt8>) throws -> URL {
    let place = self[path]
    try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(content).write(to: place)
    return place
  }
}
