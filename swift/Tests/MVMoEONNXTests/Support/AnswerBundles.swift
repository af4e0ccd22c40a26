import Foundation
import Testing

@testable import MVMoE
@testable import MVMoEONNX

/// The bundles of `tests/conformance/answers`, which have real graphs.
enum AnswerBundles {
  static let names = ["dispatch", "experts", "bind", "two_stages", "in_graph", "kept"]

  static func root(_ name: String) -> URL {
    RepositoryFiles.root.appending(path: "tests/conformance/answers/bundles/\(name)")
  }

  static func open(_ name: String) throws -> ModelBundle { try ModelBundle.open(root(name)) }
}

extension ModelBundle {
  func graph(_ name: String) throws -> Graph {
    let graphs = try target("onnx").graphs
    return try #require(graphs.first { $0.name == name }, "the bundle has no graph \(name)")
  }
}

extension Graph {
  /// Tensors of zeros for the inputs.
  func newInputs() -> [String: Tensor] { zeros(inputs) }

  /// Tensors of zeros for the outputs.
  func newOutputs() -> [String: Tensor] { zeros(outputs) }

  private func zeros(_ specs: [TensorSpec]) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: specs.map { ($0.name, Tensor(dtype: $0.dtype, shape: $0.shape)) })
  }
}

extension Tensor {
  func put(_ numbers: [Float]) { _ = floats.update(fromContentsOf: numbers) }
}

extension ONNXEngine {
  /// Whether nothing native is open.
  var isIdle: Bool { optionsCount == 0 && sessionCount == 0 && tensorCount == 0 }
}
