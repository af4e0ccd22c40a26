import Foundation
import Testing

@testable import MVMoE

/// A copy of a bundle, to change something in it; gone with its last reference.
final class BundleCopy: Sendable {
  let root: URL
  private let folder: TemporaryFolder

  init(_ name: String) throws {
    folder = try TemporaryFolder()
    root = folder.url.appending(path: name)
    try FileManager.default.copyItem(at: AnswerBundles.root(name), to: root)
  }

  /// Changes the text of the manifest.
  func edit(_ change: (String) -> String) throws {
    let manifest = root.appending(path: "manifest.json")
    let before = try String(contentsOf: manifest, encoding: .utf8)
    let after = change(before)
    try #require(after != before)
    try Data(after.utf8).write(to: manifest)
  }

  /// Writes other bytes into a file, and what the manifest says of them.
  func replace(_ path: String, _ change: (Data) -> Data) throws {
    let file = root.appending(path: path)
    let before = try Data(contentsOf: file)
    let after = change(before)
    try after.write(to: file)
    let digests = try (before: digits(before), after: digits(after))
    try edit { text in
      text.replacingOccurrences(of: digests.before, with: digests.after)
        .replacingOccurrences(
          of: "(\"path\":\\s*\"\(path)\",\\s*\"bytes\":\\s*)\(before.count)\\b", with: "$1\(after.count)",
          options: .regularExpression)
    }
  }

  private func digits(_ bytes: Data) throws -> String { try SHA256Digest.hexadecimalDigits(of: Array(bytes)) }
}
