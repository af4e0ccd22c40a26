import MVMoE

/// One session, and the values of weights that were prepared for it.
final class ONNXGraph: LoadedGraph {
  private let graph: Graph
  private let session: Session
  private let tensors: SharedTensors
  private let errors: EngineErrors
  private let inputNames: CStrings
  private let outputNames: CStrings
  private let prepared = Guarded<[ObjectIdentifier: TensorValue]>([:])

  init(graph: Graph, session: Session, tensors: SharedTensors, errors: EngineErrors) {
    self.graph = graph
    self.session = session
    self.tensors = tensors
    self.errors = errors
    inputNames = CStrings(graph.inputs.map(\.name))
    outputNames = CStrings(graph.outputs.map(\.name))
  }

  func prepare(_ weights: [String: Tensor]) throws {
    for tensor in weights.values {
      let value = try value(of: tensor)
      prepared.withLock { $0[ObjectIdentifier(tensor)] = value }
    }
  }

  func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> any BoundGraph {
    try errors.requireTensors(graph, inputs: inputs, outputs: outputs)
    return ONNXBinding(
      graph: graph, session: session, inputs: try named(inputNames, graph.inputs, inputs),
      outputs: try named(outputNames, graph.outputs, outputs), errors: errors)
  }

  /// Ends the profile that its options asked for; gives the path of its file.
  func endProfiling() throws -> String { try session.endProfiling() }

  private func named(_ names: CStrings, _ specs: [TensorSpec], _ given: [String: Tensor]) throws -> NamedValues {
    NamedValues(names: names, values: try specs.compactMap { given[$0.name] }.map(value))
  }

  private func value(of tensor: Tensor) throws -> TensorValue {
    do {
      return try tensors.value(of: tensor)
    } catch {
      throw errors.run(graph, error)
    }
  }
}
