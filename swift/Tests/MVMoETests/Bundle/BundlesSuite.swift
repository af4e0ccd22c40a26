import Foundation

@testable import MVMoE

/// `tests/conformance/bundles` as data; `README.md` there describes it.
struct BundlesSuite {
  /// The files of cases.
  static let files = [
    "bound", "compressed", "experts", "fields", "files", "flow", "golden", "graphs", "inner", "lists", "shapes",
    "tensors", "text", "values",
  ]

  static let folder = RepositoryFiles.conformance("bundles/cases")

  /// The valid bundles by name.
  static func valid() throws -> [String: ValidBundle] { try loaded.get() }

  static func bundle(_ name: String) throws -> ValidBundle {
    try valid()[name] ?? { throw UnreadableCase(value: name, expected: "the name of a valid bundle") }()
  }

  private static let loaded = Result {
    let bundles = try MVMoETests.cases(in: folder.appendingPathComponent("valid.json"))["bundles"].items()
    let named = try bundles.map { try ValidBundle($0) }.map { ($0.name, $0) }
    return Dictionary(named) { $1 }
  }

  /// The cases of one file.
  static func cases(of file: String) throws -> [BundleCase] {
    try loadedCases[file]?.get() ?? { throw UnreadableCase(value: file, expected: "a file of cases") }()
  }

  private static let loadedCases = Dictionary(
    files.map { file in (file, Result { try load(file) }) }, uniquingKeysWith: { $1 })

  private static func load(_ file: String) throws -> [BundleCase] {
    try MVMoETests.cases(in: folder.appendingPathComponent("\(file).json"))["cases"].items().map(BundleCase.init)
  }

  /// The manifest of a valid bundle, as data that tests change.
  static func manifest(_ bundle: String) throws -> JSONValue { try StrictJSON.parse(self.bundle(bundle).manifest) }
}

/// A bundle that every reader reads.
struct ValidBundle: Sendable {
  let name: String

  /// What a reader has read of it.
  let read: JSONValue

  /// The content of each file by its path.
  let files: [String: [UInt8]]

  var manifest: [UInt8] { files["manifest.json"] ?? [] }

  init(_ content: JSONValue) throws {
    name = try content["name"].text()
    read = try content["read"]
    files = Dictionary(try content["files"].members().map { ($0.key, try StoredContent($0.value).bytes) }) { $1 }
  }

  /// Writes all of it into a folder of another.
  @discardableResult
  func write(to place: String, of folder: TemporaryFolder) throws -> URL {
    for (path, bytes) in files { try folder.write("\(place)/\(path)", bytes) }
    return folder[place]
  }
}

/// Changes of a valid bundle, and the code with which the result is refused; nil where it is still valid.
struct BundleCase: Sendable {
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
struct BundleEdit: Sendable {
  enum Change: Sendable {
    /// Bytes are taken away from a place, and others put there; a file that is not there is made.
    case bytes(at: Int, remove: Int, insert: StoredContent)

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
        at: try content["at"].int(), remove: try content["remove"].int(), insert: try StoredContent(content))
    }
  }
}

/// The bytes that a case has as `text`, `base64`, or `parts` with how often each stands there.
///
/// Some are megabytes: they are made when they are asked for.
struct StoredContent: Sendable {
  private let parts: [(bytes: [UInt8], times: Int)]

  init(_ content: JSONValue) throws {
    if let text = try content.member("base64")?.text() {
      guard let data = Data(base64Encoded: text) else { throw UnreadableCase(value: text, expected: "base64") }
      parts = [([UInt8](data), 1)]
    } else if let pieces = try content.member("parts")?.items() {
      parts = try pieces.map { piece in
        let (text, times) = (try piece.items().first?.text(), try piece.items().last?.int())
        guard let text, let times else { throw UnreadableCase(value: "\(piece)", expected: "a text and a number") }
        return (Array(text.utf8), times)
      }
    } else {
      parts = [(Array(try content.member("text")?.text().utf8 ?? "".utf8), 1)]
    }
  }

  var bytes: [UInt8] { parts.reduce(into: []) { $0 += StoredContent.repeated($1.bytes, $1.times) } }

  /// By doubling: one byte may be there millions of times.
  private static func repeated(_ bytes: [UInt8], _ times: Int) -> [UInt8] {
    if times <= 1 { return times == 1 ? bytes : [] }
    let half = repeated(bytes, times / 2)
    return half + half + (times.isMultiple(of: 2) ? [] : bytes)
  }
}
