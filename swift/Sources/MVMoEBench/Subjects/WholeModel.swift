import Foundation
import MVMoE

/// Graphs from image to answer, of a directory that the planner has made; those that the queries need are loaded at once.
///
/// They run through the library's own engine, with its options and bindings, so that only what is compared differs.
final class WholeModel: Subject {
  /// What the only graph of a directory is called.
  static let oneGraph = "whole_model"

  private static let record = "record.json"

  let actual: EngineChoice
  private let calls: [String: any BoundGraph]
  private let input: Tensor
  private let outputs: [NamedTensor]
  private let images: Images
  private let pick: (Query) -> String

  private init(
    _ actual: EngineChoice, _ calls: [String: any BoundGraph], _ input: Tensor, _ outputs: [NamedTensor],
    _ images: Images,
    _ pick: @escaping (Query) -> String
  ) {
    self.actual = actual
    self.calls = calls
    self.input = input
    self.outputs = outputs
    self.images = images
    self.pick = pick
  }

  static func open(
    _ order: SubjectOrder, images: Images, engines: any Engines, watch: Stopwatch, pick: @escaping (Query) -> String
  ) async throws -> WholeModel {
    let root = URL(fileURLWithPath: order.root)
    let json = try StrictJSON.parse(Array(fileContents(root.appendingPathComponent(record))))
    let record = try readTarget(order.kind, Field(value: json, path: "$"))
    let runner = try await engines.engine(of: order, record).open(root: root, target: record)
    let first = try found(record.graphs.first, "graphs", root)
    let inputs = try tensors(first.inputs)
    let outputs = try tensors(first.outputs)
    var calls: [String: any BoundGraph] = [:]
    for name in order.queries.map(pick).distinct() {
      let graph = try found(record.graphs.first { $0.name == name }, "the graph \(name)", root)
      calls[name] = try await runner.load(graph).bind(inputs: inputs, outputs: outputs)
    }
    watch.lap("open")
    let image = try found(inputs[imageTensor], "an input \(imageTensor)", root)
    let named = first.outputs.compactMap { spec in outputs[spec.name].map { NamedTensor(spec.name, $0) } }
    return WholeModel(runner.choice, calls, image, named, images, pick)
  }

  private static func found<Value>(_ value: Value?, _ what: String, _ root: URL) throws -> Value {
    guard let value else { throw refused("\(root.path) has not \(what); use one version on both sides") }
    return value
  }

  /// As a dispatcher does: the image goes into the bound buffer, outputs are copies.
  func answer(_ query: Query) async throws -> OutputValues {
    guard let call = calls[pick(query)] else { throw refused("a question was asked that no graph was loaded for") }
    let image = try images.image(query.image)
    guard image.bytes.count == input.bytes.count else {
      throw refused("images \(images.shape) were ordered of a model of \(input.shape); use one version on both sides")
    }
    input.bytes.copyMemory(from: UnsafeRawBufferPointer(image.bytes))
    try await call.run()
    return outputs.map(\.values)
  }

  /// What the static graph of a route, or of a route for each routed stage, is called.
  static func staticName(_ routes: Routes) -> String {
    "static_" + routes.map { route in route.map { "e\($0)" }.joined(separator: "_") }.joined(separator: "__")
  }
}
