import MVMoE

/// One function in memory. Its model is freed with the last of its bindings.
final class CoreMLGraph: LoadedGraph {
  private let graph: Graph
  private let model: any CoreMLModel
  private let errors: EngineErrors
  private let memory: OutputMemory
  private let presence: Presence

  init(_ graph: Graph, _ model: any CoreMLModel, errors: EngineErrors, board: StateBoard) {
    self.graph = graph
    self.model = model
    self.errors = errors
    memory = OutputMemory(graph.name, board)
    presence = Presence(graph.name, board)
  }

  func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> any BoundGraph {
    try errors.requireTensors(graph, inputs: inputs, outputs: outputs)
    var taken: [String: ModelInput] = [:]
    for spec in graph.inputs {
      guard let tensor = inputs[spec.name] else { continue }
      taken[spec.name] = spec.pixels.map { .picture(Picture(tensor, $0)) } ?? .array(tensor)
    }
    do {
      let call = try model.call(inputs: taken, outputs: outputs)
      return CoreMLBinding(graph, call, outputs, errors: errors, memory: memory, presence: presence)
    } catch {
      throw errors.run(graph, error)
    }
  }
}

/// Says that a graph's memory is free, when it is.
final class Presence: Sendable {
  private let graph: String
  private let board: StateBoard

  init(_ graph: String, _ board: StateBoard) {
    self.graph = graph
    self.board = board
  }

  deinit { board.free(graph) }
}

/// Whether the dispatcher's memory is proposed to Core ML for what a graph gives.
///
/// Core ML may refuse memory that it did not make: then it is not proposed again.
final class OutputMemory: Sendable {
  private let graph: String
  private let board: StateBoard
  private let refused = Guarded(false)

  init(_ graph: String, _ board: StateBoard) {
    self.graph = graph
    self.board = board
  }

  var isProposed: Bool { refused.withLock { !$0 } }

  /// A run that failed with the memory did well without.
  func refuse() {
    refused.withLock { $0 = true }
    board.note("graph \(graph) does not write into memory that it is given: what it gives is copied")
  }
}
