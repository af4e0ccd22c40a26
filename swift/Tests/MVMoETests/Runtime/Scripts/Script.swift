import Foundation

@testable import MVMoE

/// A graph of a script.
struct ScriptGraph: Sendable {
  let name: String
  let bytes: Int
  let share: Double

  init(_ fields: TestJSON) {
    name = fields["name"].text ?? ""
    bytes = fields["bytes"].integer ?? 0
    share = fields["share"].double ?? 0
  }
}

/// One step of a script.
struct ScriptStep: Sendable, CustomStringConvertible {
  private let fields: TestJSON

  init(_ fields: TestJSON) { self.fields = fields }

  var action: String { fields["do"].text ?? "" }

  /// The caller.
  var by: String { fields["by"].text ?? "" }

  var graph: String { fields["graph"].text ?? "" }

  /// What is to be seen after it.
  var then: TestJSON { fields["then"] }

  subscript(name: String) -> TestJSON { fields[name] }

  var description: String { TestJSON.object(fields.members.filter { $0.key != "then" }).description }
}

/// A script of `tests/conformance/residency`.
struct Script: Sendable {
  let name: String

  /// The graphs of each routed stage, in the order of their experts.
  let stages: [[ScriptGraph]]
  let steps: [ScriptStep]

  /// The scripts of a file.
  static func all(of file: String) throws -> [Script] {
    let folder = RepositoryFiles.conformance("residency/cases")
    let content = try TestJSON(contentsOf: folder.appendingPathComponent("\(file).json"))
    return content["scripts"].items.map { script in
      Script(
        name: script["name"].text ?? "", stages: script["stages"].items.map { $0.items.map(ScriptGraph.init) },
        steps: script["steps"].items.map(ScriptStep.init))
    }
  }

  /// The names of the files, without their ending.
  static let files: [String] = {
    let folder = RepositoryFiles.conformance("residency/cases")
    let found = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return found.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(".json".count)) }.sorted()
  }()
}
