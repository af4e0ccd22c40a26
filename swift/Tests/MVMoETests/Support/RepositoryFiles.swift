import Foundation

/// Files of the repository that these tests are in.
enum RepositoryFiles {
  /// The repository's own folder.
  static let root = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }

  /// A file or folder of `tests/conformance`.
  static func conformance(_ path: String) -> URL {
    root.appendingPathComponent("tests/conformance").appendingPathComponent(path)
  }
}
