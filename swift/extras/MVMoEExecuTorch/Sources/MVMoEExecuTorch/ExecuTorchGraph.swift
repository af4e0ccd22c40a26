import MVMoE

/// One method. Its module is freed with the last of its bindings.
final class ExecuTorchGraph: LoadedGraph {
  private let graph: Graph
  private let module: OwnedModule
  private let errors: EngineErrors

  init(_ graph: Graph, _ module: OwnedModule, errors: EngineErrors) {
    self.graph = graph
    self.module = module
    self.errors = errors
  }

  func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> any BoundGraph {
    try errors.requireTensors(graph, inputs: inputs, outputs: outputs)
    return try ExecuTorchBinding(
      graph, module, inputs: graph.inputs.compactMap { inputs[$0.name] },
      outputs: graph.outputs.compactMap { outputs[$0.name] }, errors: errors)
  }
}

/// A method over the memory of the dispatcher's tensors. What it gives is copied into them before it runs again.
///
/// It is `@unchecked Sendable` because its values are used with the method alone, by one thread at a time. It keeps the tensors,
/// to whose memory the values have bare addresses.
final class ExecuTorchBinding: BoundGraph, @unchecked Sendable {
  private let graph: Graph
  private let module: OwnedModule
  private let inputs: [Tensor]
  private let outputs: [Tensor]
  private let values: any ExecuTorchValues
  private let errors: EngineErrors

  init(_ graph: Graph, _ module: OwnedModule, inputs: [Tensor], outputs: [Tensor], errors: EngineErrors) throws {
    self.graph = graph
    self.module = module
    self.inputs = inputs
    self.outputs = outputs
    self.errors = errors
    do {
      values = try module.withMethod { try $0.values(over: inputs) }
    } catch {
      throw errors.run(graph, error)
    }
  }

  func run() async throws {
    do {
      try module.withMethod { try $0.run(values, take) }
    } catch let ours as MVMoEError {
      throw ours
    } catch {
      throw errors.run(graph, error)
    }
  }

  private func take(_ given: [GivenTensor?]) throws {
    // What a method gives may be of another shape than it said beforehand.
    let declared = signatures(graph.inputs, graph.inputs.map { MethodTensor(type: $0.dtype.rawValue, shape: $0.shape) })
    try errors.requireSignature(
      graph, inputs: declared, outputs: signatures(graph.outputs, given.map { $0?.tensor }))
    for (tensor, found) in zip(outputs, given) {
      guard let found, found.bytes.count == tensor.bytes.count else { continue }
      tensor.bytes.copyMemory(from: found.bytes)
    }
  }
}
