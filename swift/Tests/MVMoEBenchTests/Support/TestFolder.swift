import Foundation

/// A folder that is gone with its last reference.
final class TestFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("mvmoe-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  subscript(name: String) -> URL { url.appendingPathComponent(name) }

  /// Writes a file, and gives its place.
  @discardableResult
  func write(_ name: String, _ bytes: Data) throws -> URL {
    try bytes.write(to: self[name])
    return self[name]
  }
}
