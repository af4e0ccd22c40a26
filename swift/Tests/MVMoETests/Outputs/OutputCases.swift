import Foundation
import Testing

@testable import MVMoE

/// What mvmoe_deploy makes of outputs: `outputs.json`, which `generate.py` beside it writes for all languages.
enum OutputCases {
  private static let folder = "kotlin/mvmoe-core/src/test/resources/outputs"

  private static let loaded = Result {
    try cases(in: RepositoryFiles.root.appendingPathComponent(folder).appendingPathComponent("outputs.json"))
  }

  static func named(_ name: String) throws -> [JSONValue] { try loaded.get()[name].items() }

  /// The views of a kind, each with its output.
  static func views<Kind: Output>(_ kind: String, as type: Kind.Type) throws -> [(view: JSONValue, output: Kind)] {
    try named("views").filter { try $0["kind"].text() == kind }
      .map { ($0, try #require(output(of: $0) as? Kind)) }
  }

  static func kind(of each: JSONValue) throws -> any OutputKind {
    try #require(OutputKinds.find(each["kind"].text()))
  }

  private static func output(of view: JSONValue) throws -> any Output {
    let labels = try view["labels"].items().map { try $0.text() }
    let spec = OutputSpec(name: "found", kind: try view["kind"].text(), tensors: ["step1.found"], labels: labels)
    return try kind(of: view).output(
      spec: spec, shape: view["shape"].ints(), values: view["values"].floats(),
      transform: transform(view["transform"].ints()))
  }

  private static func transform(_ numbers: [Int]) throws -> InputTransform {
    try #require(numbers.count == 8)
    return InputTransform(
      imageWidth: numbers[0], imageHeight: numbers[1], resizedWidth: numbers[2], resizedHeight: numbers[3],
      left: numbers[4], top: numbers[5], inputWidth: numbers[6], inputHeight: numbers[7])
  }
}

/// An output of a test's own numbers.
func output<Kind: Output>(
  _ kind: String, _ shape: [Int], _ values: [Float], labels: [String]? = nil, transform: InputTransform? = nil,
  as type: Kind.Type
) throws -> Kind {
  let spec = OutputSpec(name: "found", kind: kind, tensors: ["step1.found"], labels: labels)
  let found = try #require(OutputKinds.find(kind))
  return try #require(found.output(spec: spec, shape: shape, values: values, transform: transform) as? Kind)
}
