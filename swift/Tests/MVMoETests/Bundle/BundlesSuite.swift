import Foundation

@testable import MVMoE

/// `tests/conformance/bundles` as data; `README.md` there describes it.
struct BundlesSuite {
  /// The files of cases.
  static let files = [
    "bound", "experts", "fields", "files", "flow", "golden", "graphs", "inner", "lists", "shapes", "tensors", "text",
    "values",
  ]

  static let folder = RepositoryFiles.conformance("bundles/cases")

  /// The valid bundles by name.
  static func valid() throws -> [String: ValidBundle] { try loaded.get() }

  private static let loaded = Result {
    let bundles = try MVMoETests.cases(in: folder.appendingPathComponent("valid.json"))["bundles"].items()
    let named = try bundles.map { try ValidBundle($0) }.map { ($0.name, $0) }
    return Dictionary(named) { $1 }
  }

  /// The cases of one file.
  static func cases(of file: String) throws -> [BundleCase] {
    try MVMoETests.cases(in: folder.appendingPathComponent("\(file).json"))["cases"].items().map(BundleCase.init)
  }

  /// One of the valid bundles.
  static func bundle(_ name: String) throws -> ValidBundle {
    guard let bundle = try valid()[name] else { throw UnreadableCase(value: name, expected: "a valid bundle") }
    return bundle
  }

  /// The manifest of a valid bundle, as data that tests change.
  static func manifest(_ bundle: String) throws -> JSONValue { try StrictJSON.parse(self.bundle(bundle).manifest) }
}

/// A bundle that every reader reads.
struct ValidBundle {
  let name: String

  /// What a reader has read of it.
  let read: JSONValue

  /// The content of each file by its path.
  let files: [String: [UInt8]]

  var manifest: [UInt8] { files["manifest.json"] ?? [] }

  init(_ content: JSONValue) throws {
    name = try content["name"].text()
    read = try content["read"]
    files = Dictionary(try content["files"].members().map { ($0.key, try storedBytes($0.value)) }) { $1 }
  }

  /// Writes all of it into a folder of another.
  @discardableResult
  func write(to place: String, of folder: TemporaryFolder) throws -> URL {
    for (path, bytes) in files { try folder.write("\(place)/\(path)", bytes) }
    return folder[place]
  }
}

/// Changes of a valid bundle, and the code with which the result is refused; nil where it is still valid.
struct BundleCase {
  let name: String
  let bundle: String
  let edits: [BundleEdit]
  let code: String?

  init(_ content: JSONValue) throws {
    name = try content["name"].text()
    bundle = try content["bundle"].text()
    edits = try content["edits"].items().map(BundleEdit.init)
    code = try content["code"].isNull ? nil : content["code"].text()
  }
}

/// One change of a bundle.
struct BundleEdit {
  enum Change {
    /// Bytes are taken away from a place, and others put there; a file that is not there is made.
    case bytes(at: Int, remove: Int, insert: [UInt8])

    /// The file or folder is removed, or an empty folder or a link is put in its place.
    case remove, folder, link
  }

  let file: String
  let change: Change

  init(_ content: JSONValue) throws {
    file = try content["file"].text()
    switch try content.member("do")?.text() {
    case "remove": change = .remove
    case "folder": change = .folder
    case "link": change = .link
    case let other?: throw UnreadableCase(value: other, expected: "remove, folder or link")
    case nil:
      change = .bytes(
        at: try content["at"].int(), remove: try content["remove"].int(), insert: try storedBytes(content))
    }
  }
}

/// The bytes that a case has as `text`, `base64`, or `parts` with how often each stands there.
private func storedBytes(_ content: JSONValue) throws -> [UInt8] {
  if let text = try content.member("base64")?.text() {
    guard let data = Data(base64Encoded: text) else { throw UnreadableCase(value: text, expected: "base64") }
    return [UInt8](data)
  }
  guard let parts = try content.member("parts") else {
    return Array(try content.member("text")?.text().utf8 ?? "".utf8)
  }
  return try parts.items().flatMap { part in
    let piece = try part.items()
    guard piece.count == 2 else { throw UnreadableCase(value: "\(part)", expected: "a text and a number") }
    return Array(String(repeating: try piece[0].text(), count: try piece[1].int()).utf8)
  }
}
