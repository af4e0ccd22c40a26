import Foundation

@testable import MVMoE

/// What a strict engine has seen, and what is open in it.
final class EngineLedger: Sendable {
  private struct State {
    var loads: [String] = []
    var freed: [String] = []
    var faults: [String] = []
    var binds = 0
    var runners = 0
    var graphs = 0
    var bindings = 0
  }

  private let state = Guarded(State())

  /// The loads that began, in order.
  var loads: [String] { state.withLock { $0.loads } }

  /// The graphs whose memory the engine got back, in order.
  var freed: [String] { state.withLock { $0.freed } }

  /// How many bindings were ever made.
  var binds: Int { state.withLock { $0.binds } }

  /// How many bindings there are.
  var bindings: Int { state.withLock { $0.bindings } }

  /// What its caller did that it must not, and what is left open; nil if there is nothing.
  var faults: String? {
    state.withLock { state in
      if !state.faults.isEmpty { return state.faults.joined(separator: ", ") }
      if state.runners == 0, state.graphs == 0, state.bindings == 0 { return nil }
      return "left open: \(state.runners) runners, \(state.graphs) graphs, \(state.bindings) bindings"
    }
  }

  /// Loads and frees are counted from here on.
  func clear() {
    state.withLock { state in
      state.loads = []
      state.freed = []
    }
  }

  fileprivate func loads(_ graph: String) { state.withLock { $0.loads.append(graph) } }

  fileprivate func runner(_ change: Int) { state.withLock { $0.runners += change } }

  fileprivate func loaded() { state.withLock { $0.graphs += 1 } }

  fileprivate func freed(_ graph: String) {
    state.withLock { state in
      state.graphs -= 1
      state.freed.append(graph)
    }
  }

  fileprivate func bound() {
    state.withLock { state in
      state.binds += 1
      state.bindings += 1
    }
  }

  fileprivate func unbound() { state.withLock { $0.bindings -= 1 } }

  fileprivate func require(_ holds: Bool, _ fault: @autoclosure () -> String) {
    if holds { return }
    let fault = fault()
    state.withLock { $0.faults.append(fault) }
  }
}

/// An engine whose graphs are functions of the test. It notices what the contract of engines forbids to the caller of one: a
/// binding that is run twice at a time, tensors of another shape, anything that is left open.
protocol StrictEngine: Engine {
  var ledger: EngineLedger { get }

  /// Loads a graph, or fails to.
  func onLoad(_ graph: Graph) async throws

  /// Runs a graph, or fails to.
  func onRun(_ graph: Graph, _ inputs: [String: Tensor], _ outputs: [String: Tensor]) async throws
}

extension StrictEngine {
  var format: String { "fake" }

  var loads: [String] { ledger.loads }

  var freed: [String] { ledger.freed }

  func open(root: URL, target: Target) async throws -> any Runner { StrictRunner(self) }

  func onLoad(_ graph: Graph) async throws {}
}

private final class StrictRunner: Runner {
  let engineName = "a strict engine"
  let provider = "none"
  private let engine: any StrictEngine

  init(_ engine: any StrictEngine) {
    self.engine = engine
    engine.ledger.runner(1)
  }

  deinit { engine.ledger.runner(-1) }

  func load(_ graph: Graph) async throws -> any LoadedGraph {
    engine.ledger.loads(graph.name)
    try await engine.onLoad(graph)
    engine.ledger.loaded()
    return StrictGraph(engine, graph)
  }
}

private final class StrictGraph: LoadedGraph {
  private let engine: any StrictEngine
  private let graph: Graph

  init(_ engine: any StrictEngine, _ graph: Graph) {
    self.engine = engine
    self.graph = graph
  }

  deinit { engine.ledger.freed(graph.name) }

  func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> any BoundGraph {
    for (specs, tensors) in [(graph.inputs, inputs), (graph.outputs, outputs)] {
      let wanted = Dictionary(uniqueKeysWithValues: specs.map { ($0.name, "\($0.shape) \($0.dtype)") })
      let found = tensors.mapValues { "\($0.shape) \($0.dtype)" }
      engine.ledger.require(wanted == found, "\(graph.name) was bound to \(found) instead of \(wanted)")
    }
    engine.ledger.bound()
    return StrictBinding(engine, self, graph, inputs, outputs)
  }
}

private final class StrictBinding: BoundGraph {
  private let engine: any StrictEngine
  private let loaded: StrictGraph
  private let graph: Graph
  private let inputs: [String: Tensor]
  private let outputs: [String: Tensor]
  private let runs = Guarded(0)

  init(
    _ engine: any StrictEngine, _ loaded: StrictGraph, _ graph: Graph, _ inputs: [String: Tensor],
    _ outputs: [String: Tensor]
  ) {
    self.engine = engine
    self.loaded = loaded
    self.graph = graph
    self.inputs = inputs
    self.outputs = outputs
  }

  deinit { engine.ledger.unbound() }

  func run() async throws {
    let others = runs.withLock { runs in
      defer { runs += 1 }
      return runs
    }
    engine.ledger.require(others == 0, "one binding of \(graph.name) is run twice at a time")
    defer { runs.withLock { $0 -= 1 } }
    try await engine.onRun(graph, inputs, outputs)
  }
}
