/// A graph on the tensors of one call site.
final class Binding: Sendable {
  let bound: any BoundGraph

  init(_ bound: any BoundGraph) { self.bound = bound }
}

/// A graph in the engine's memory and its bindings, which go when it does.
///
/// At most ``mostBindings`` of them are kept: a graph may be bound to the weights of more routes than memory has room for. Who
/// runs a binding keeps it meanwhile.
final class ResidentGraph: Sendable {
  private let graph: any LoadedGraph
  private let mostBindings: Int
  private let bindings = Guarded<[Binding]>([])

  init(_ graph: any LoadedGraph, mostBindings: Int = .max) {
    self.graph = graph
    self.mostBindings = mostBindings
  }

  /// Makes beforehand what binding these weights will need.
  func prepare(_ weights: [String: Tensor]) throws { try graph.prepare(weights) }

  /// A new binding, which is kept until it is dropped.
  func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> Binding {
    let binding = Binding(try graph.bind(inputs: inputs, outputs: outputs))
    // The oldest one is freed behind the lock.
    _ = bindings.withLock { kept in
      kept.append(binding)
      return kept.count > mostBindings ? kept.removeFirst() : nil
    }
    return binding
  }

  /// Gives a binding up, unless that was done.
  func drop(_ binding: Binding) {
    bindings.withLock { $0.removeAll { $0 === binding } }
  }
}
