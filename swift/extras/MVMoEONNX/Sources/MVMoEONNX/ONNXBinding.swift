import MVMoE

/// A session with its inputs and outputs, over the memory of the dispatcher's tensors: nothing is copied in a run.
final class ONNXBinding: BoundGraph {
  private let graph: Graph
  private let session: Session
  private let inputs: NamedValues
  private let outputs: NamedValues
  private let errors: EngineErrors

  init(graph: Graph, session: Session, inputs: NamedValues, outputs: NamedValues, errors: EngineErrors) {
    self.graph = graph
    self.session = session
    self.inputs = inputs
    self.outputs = outputs
    self.errors = errors
  }

  /// Computes in the caller's thread, which waits for nothing else: the graph's time is what `await` costs.
  func run() async throws {
    do {
      try session.run(inputs, outputs)
    } catch {
      throw errors.run(graph, error)
    }
  }
}
