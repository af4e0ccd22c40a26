import Foundation

@testable import MVMoE
@testable import MVMoEONNX

/// Another engine, whose loads are listed, and of which one graph's can be held.
final class WatchedEngine: Engine {
  private struct State {
    var loads: [String] = []
    var held: String?
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let engine: any Engine
  private let state = MVMoEONNX.Guarded(State())

  init(_ engine: any Engine) { self.engine = engine }

  var format: String { engine.format }

  /// The graphs that were asked for, in order.
  var loads: [String] { state.withLock { $0.loads } }

  /// Whether a load is held.
  var isLoading: Bool { state.withLock { !$0.waiting.isEmpty } }

  /// The next loads of that graph wait until it is released.
  func hold(_ graph: String) { state.withLock { $0.held = graph } }

  func release() {
    let waiting = state.withLock { state in
      defer {
        state.held = nil
        state.waiting = []
      }
      return state.waiting
    }
    waiting.forEach { $0.resume() }
  }

  func open(root: URL, target: Target) async throws -> any Runner {
    WatchedRunner(try await engine.open(root: root, target: target), self)
  }

  /// As a load in an engine, it does not end before its time where its task is cancelled.
  fileprivate func begin(_ graph: String) async {
    await withCheckedContinuation { continuation in
      let isHeld = state.withLock { state in
        state.loads.append(graph)
        guard state.held == graph else { return false }
        state.waiting.append(continuation)
        return true
      }
      if !isHeld { continuation.resume() }
    }
  }
}

private final class WatchedRunner: Runner {
  private let runner: any Runner
  private let engine: WatchedEngine

  init(_ runner: any Runner, _ engine: WatchedEngine) {
    self.runner = runner
    self.engine = engine
  }

  var engineName: String { runner.engineName }

  var provider: String { runner.provider }

  func load(_ graph: Graph) async throws -> any LoadedGraph {
    await engine.begin(graph.name)
    return try await runner.load(graph)
  }
}
