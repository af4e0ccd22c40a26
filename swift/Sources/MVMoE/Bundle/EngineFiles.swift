import Foundation

/// What engines ask of a bundle's files that make others of them.
package enum EngineFiles {
  /// The SHA-256 of a text, as 64 hexadecimal digits in lower case.
  package static func digest(of text: String) throws -> String {
    try SHA256Digest.hexadecimalDigits(of: Array(text.utf8))
  }

  /// Reads files of the bundle at `root` once more, and compares them with the manifest.
  ///
  /// - Throws: ``MVMoEError`` that names the first wrong file.
  package static func verify(_ files: [FileRecord], root: URL) throws {
    _ = try CheckedFiles.verify(root: root, files: files)
  }
}
