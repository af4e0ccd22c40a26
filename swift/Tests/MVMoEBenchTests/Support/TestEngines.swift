#if canImport(MVMoEONNX)
  import Foundation
  import MVMoE
  import MVMoEBench
  import MVMoEONNX

  /// ONNX Runtime; with the option `wrong` its answers are, and with `unplaced` it fails to say where it runs a graph.
  struct TestEngines: Engines {
    /// Is told of every graph that has run.
    var ran: @Sendable () -> Void = {}

    func engine(format: String, threads: Int, options: [String: String]) throws -> any Engine {
      if options["unplaced"] != nil { return UnplacedEngine(engine: ONNXEngine(threads: threads)) }
      let isWrong = options["wrong"] != nil
      return WatchedEngine(engine: ONNXEngine(threads: threads)) { [ran] outputs in
        ran()
        if isWrong { for output in outputs { output.floats[0] += 1 } }
      }
    }
  }

  private struct UnplacedEngine: Engine {
    let engine: ONNXEngine

    var format: String { engine.format }

    func open(root: URL, target: Target) async throws -> any Runner {
      UnplacedRunner(try await engine.open(root: root, target: target))
    }
  }

  private final class UnplacedRunner: Runner, ReportsPlacement {
    private let runner: any Runner

    init(_ runner: any Runner) { self.runner = runner }

    var engineName: String { runner.engineName }

    var provider: String { runner.provider }

    func load(_ graph: Graph) async throws -> any LoadedGraph { try await runner.load(graph) }

    func placement(_ graph: Graph) async throws -> GraphPlacement {
      throw MVMoEError(.engineFailed, "there is no room for a profile")
    }
  }

  /// Another engine, and what is done after each run with what a graph gave.
  private struct WatchedEngine: Engine {
    let engine: ONNXEngine
    let after: @Sendable ([Tensor]) -> Void

    var format: String { engine.format }

    func open(root: URL, target: Target) async throws -> any Runner {
      WatchedRunner(try await engine.open(root: root, target: target), after)
    }
  }

  private final class WatchedRunner: Runner {
    private let runner: any Runner
    private let after: @Sendable ([Tensor]) -> Void

    init(_ runner: any Runner, _ after: @escaping @Sendable ([Tensor]) -> Void) {
      self.runner = runner
      self.after = after
    }

    var engineName: String { runner.engineName }

    var provider: String { runner.provider }

    func load(_ graph: Graph) async throws -> any LoadedGraph { WatchedGraph(try await runner.load(graph), after) }
  }

  private final class WatchedGraph: LoadedGraph {
    private let graph: any LoadedGraph
    private let after: @Sendable ([Tensor]) -> Void

    init(_ graph: any LoadedGraph, _ after: @escaping @Sendable ([Tensor]) -> Void) {
      self.graph = graph
      self.after = after
    }

    func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> any BoundGraph {
      WatchedBinding(try graph.bind(inputs: inputs, outputs: outputs), Array(outputs.values), after)
    }
  }

  private final class WatchedBinding: BoundGraph {
    private let binding: any BoundGraph
    private let outputs: [Tensor]
    private let after: @Sendable ([Tensor]) -> Void

    init(_ binding: any BoundGraph, _ outputs: [Tensor], _ after: @escaping @Sendable ([Tensor]) -> Void) {
      self.binding = binding
      self.outputs = outputs
      self.after = after
    }

    func run() async throws {
      try await binding.run()
      after(outputs)
    }
  }
#endif
