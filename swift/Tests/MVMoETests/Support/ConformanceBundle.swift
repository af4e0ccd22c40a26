import Foundation

@testable import MVMoE

/// One of the valid bundles of `tests/conformance/bundles`.
struct ConformanceBundle {
  /// The content of each file by its path.
  let files: [(path: String, bytes: [UInt8])]

  init(_ name: String) throws {
    let suite = try cases(in: RepositoryFiles.conformance("bundles/cases/valid.json"))
    guard let bundle = try suite["bundles"].items().first(where: { try $0["name"].text() == name }) else {
      throw UnreadableCase(value: name, expected: "the name of a valid bundle")
    }
    files = try bundle["files"].members().map { ($0.key, try Self.bytes(of: $0.value)) }
  }

  /// The text of `manifest.json`.
  var manifest: String { String(decoding: files.first { $0.path == "manifest.json" }?.bytes ?? [], as: UTF8.self) }

  /// Writes all of it into a folder of another.
  @discardableResult
  func write(to place: String, of folder: TemporaryFolder) throws -> URL {
    for (path, bytes) in files { try folder.write("\(place)/\(path)", bytes) }
    return folder[place]
  }

  /// Bytes that stand there as `text`, as `base64`, or as `parts` with how often each is there.
  static func bytes(of content: JSONValue) throws -> [UInt8] {
    if let text = try content.member("text")?.text() { return Array(text.utf8) }
    if let text = try content.member("base64")?.text() { return [UInt8](Data(base64Encoded: text) ?? Data()) }
    return try content["parts"].items().flatMap { part in
      let (text, times) = (try part.items()[0].text(), try part.items()[1].int())
      return repeatElement(Array(text.utf8), count: times).joined()
    }
  }
}
