import Foundation

@testable import MVMoE

/// A reader refuses a rule, logits, choices or a route, with a code of `docs/errors.md`.
struct Refused: Error, Equatable {
  let code: String
}

/// A route, and the gates of its experts: doubles, so that a reader can fail to round them.
struct RoutingAnswer: Equatable {
  var route: [Int]
  var gates: [Double]
}

/// An implementation of *Routing* in `docs/bundle.md`; rules are plain data, and logits are empty where there is no router.
protocol RoutingReader {
  init()

  func select(_ rule: JSONValue, _ logits: [Float]) throws -> RoutingAnswer

  func choose(_ rule: JSONValue, _ choices: [String: String], _ logits: [Float]) throws -> RoutingAnswer

  /// What a golden image takes, by its number.
  func inTurn(_ rule: JSONValue, image: Int, _ logits: [Float]) throws -> RoutingAnswer

  /// The gates of a route that is imposed.
  func gates(_ rule: JSONValue, of route: [Int], _ logits: [Float]) throws -> [Double]
}

/// One row of `tests/conformance/routing/cases`, with the rule of its case.
struct RoutingRow: Sendable {
  /// What a reader must say, and what it says.
  private struct Outcome: Equatable {
    var route: [Int]?
    var gates: String?
    var code: String?
  }

  let file: String
  let rule: JSONValue
  let logits: [Float]

  /// Nil where the row has none; infinite where it has null.
  let margin: Double?

  private let fields: JSONValue

  init(file: String, rule: JSONValue, fields: JSONValue) throws {
    self.file = file
    self.rule = rule
    self.fields = fields
    logits = try fields["logits"].floats()
    margin = try fields.member("margin").map { try $0.doubleOrNil() ?? .infinity }
  }

  func isImposed() throws -> Bool { try fields.member("imposed") != nil }

  /// What a reader gets wrong in this row; nil if nothing.
  func failure(of reader: some RoutingReader) throws -> String? {
    let wanted = Outcome(
      route: try fields.member("route")?.ints(), gates: try fields.member("gates")?.text(),
      code: try fields.member("code")?.text())
    var found: Outcome
    do { found = try outcome(of: reader) } catch let refused as Refused { found = Outcome(code: refused.code) }
    return found == wanted ? nil : "\(file) \(rule) \(fields) gave \(found)"
  }

  private func outcome(of reader: some RoutingReader) throws -> Outcome {
    if let imposed = try fields.member("imposed") {
      return Outcome(gates: toBits(try reader.gates(rule, of: imposed.ints(), logits)))
    }
    let answer = try answer(of: reader)
    return Outcome(route: answer.route, gates: toBits(answer.gates))
  }

  private func answer(of reader: some RoutingReader) throws -> RoutingAnswer {
    if let golden = try fields.member("golden") { return try reader.inTurn(rule, image: golden.int(), logits) }
    guard let choices = try fields.member("choices") else { return try reader.select(rule, logits) }
    let chosen = try choices.members().map { ($0.key, try $0.value.text()) }
    return try reader.choose(rule, Dictionary(chosen) { first, _ in first }, logits)
  }
}

enum RoutingSuite {
  private static let loaded = Result { try load() }

  /// Every row of every file, by the file's name.
  static func rows() throws -> [String: [RoutingRow]] { try loaded.get() }

  /// The first thing that a reader gets wrong; nil if nothing.
  static func firstFailure(of reader: some RoutingReader) throws -> String? {
    for (_, rows) in try rows().sorted(by: { $0.key < $1.key }) {
      for row in rows { if let failure = try row.failure(of: reader) { return failure } }
    }
    return nil
  }

  private static func load() throws -> [String: [RoutingRow]] {
    let folder = RepositoryFiles.conformance("routing/cases")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    var rows: [String: [RoutingRow]] = [:]
    for file in files where file.pathExtension == "json" {
      let name = file.deletingPathExtension().lastPathComponent
      rows[name] = try cases(in: file)["cases"].items().flatMap { each in
        let rule = try each["rule"]
        return try each["rows"].items().map { try RoutingRow(file: name, rule: rule, fields: $0) }
      }
    }
    return rows
  }
}
