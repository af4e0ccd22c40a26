import Foundation

@testable import MVMoE

/// An engine that answers as a wrong dispatcher would.
struct WrongEngine: Engine {
  let right: any Engine
  let wrong: any Wrong

  var format: String { right.format }

  func open(root: URL, target: Target) async throws -> any Runner {
    let runner = try await right.open(root: root, target: target)
    return WrongRunner(runner: runner, bundle: OpenedBundle(root: root, target: target), wrong: wrong)
  }
}

private final class WrongRunner: Runner {
  private let runner: any Runner
  private let bundle: OpenedBundle
  private let wrong: any Wrong

  init(runner: any Runner, bundle: OpenedBundle, wrong: any Wrong) {
    self.runner = runner
    self.bundle = bundle
    self.wrong = wrong
  }

  var engineName: String { runner.engineName }

  var provider: String { runner.provider }

  func load(_ graph: Graph) async throws -> any LoadedGraph {
    let loaded = try await runner.load(wrong.graph(graph, target: bundle.target))
    return WrongGraph(bundle: bundle, graph: graph, loaded: loaded, wrong: wrong)
  }
}

private final class WrongGraph: LoadedGraph {
  private let bundle: OpenedBundle
  private let graph: Graph
  private let loaded: any LoadedGraph
  private let wrong: any Wrong

  init(bundle: OpenedBundle, graph: Graph, loaded: any LoadedGraph, wrong: any Wrong) {
    self.bundle = bundle
    self.graph = graph
    self.loaded = loaded
    self.wrong = wrong
  }

  func prepare(_ weights: Tensors) throws { try loaded.prepare(weights) }

  func bind(inputs: Tensors, outputs: Tensors) throws -> any BoundGraph {
    let bound = try loaded.bind(inputs: wrong.inputs(bundle, graph, inputs), outputs: outputs)
    // Weights in a mapped file cannot be written.
    let own = inputs.filter { graph.bound[$0.key] == nil }
    return WrongBinding(bound: bound, own: own, outputs: outputs, wrong: wrong)
  }
}

private final class WrongBinding: BoundGraph {
  private let bound: any BoundGraph
  private let own: Tensors
  private let outputs: Tensors
  private let wrong: any Wrong

  init(bound: any BoundGraph, own: Tensors, outputs: Tensors, wrong: any Wrong) {
    self.bound = bound
    self.own = own
    self.outputs = outputs
    self.wrong = wrong
  }

  func run() async throws {
    let kept = own.mapValues { Array($0.bytes) }
    wrong.before(own)
    try await bound.run()
    wrong.after(outputs)
    for (name, bytes) in kept { own[name]?.bytes.copyBytes(from: bytes) }
  }
}
