/// The graphs of one target in memory: those that every image runs stay, those of single routes come and go.
///
/// Graphs are told by their place in the target's list.
final class GraphCache: Sendable {
  private let pipeline: Pipeline
  private let loader: GraphLoader
  private let cache: ResidencyCache<ResidentGraph>
  private let limits = Guarded(Residency())

  /// What listens to loads.
  let streams: StateStreams

  /// Whether the weights of experts are bound to graphs, instead of being in them: then all graphs stay.
  let takesWeights: Bool

  /// The graphs of single routes, in the order of the manifest.
  let routed: [Int]

  init(_ pipeline: Pipeline, _ loader: GraphLoader) {
    let graphs = pipeline.target.graphs
    let takesWeights = pipeline.strategy.bindsWeights
    let streams = StateStreams(names: graphs.map(\.name))
    let items = graphs.map { graph in
      ResidencyItem(
        name: graph.name, group: graph.stage, bytes: graph.weightBytes, stays: graph.route == nil || takesWeights)
    }
    cache = ResidencyCache(items, load: loader.load, tell: streams.take)
    routed = takesWeights ? [] : graphs.indices.filter { graphs[$0].route != nil }
    self.pipeline = pipeline
    self.loader = loader
    self.streams = streams
    self.takesWeights = takesWeights
  }

  /// Limits and pins.
  var residency: Residency { limits.withLock { $0 } }

  /// The weights that graphs take.
  var weights: StoredWeights { get throws { try loader.weights } }

  /// What the runner says of itself.
  var facts: RunnerFacts { loader.facts }

  /// The graphs of single routes in memory, the least recently used first.
  var resident: [Int] { get async { await cache.resident } }

  /// The places of the graphs that are pinned.
  var pinned: Set<Int> { get async { await cache.pinned } }

  /// The states of the graphs that come and go; where weights are bound, of those that take them.
  var states: [String: LoadState] {
    get async {
      let graphs = pipeline.target.graphs
      let states = await cache.states
      let shown = graphs.indices.filter { graphs[$0].stage > 0 && graphs[$0].route != nil }.map { index in
        (graphs[index].name, takesWeights && states[index] == .ready ? .mapped : states[index])
      }
      return Dictionary(shown) { first, _ in first }
    }
  }

  /// Sets limits and pins, and evicts what is over them.
  ///
  /// - Throws: ``MVMoEError`` for a limit below 1 (`input.invalid`) and for a pin that names no graph
  ///   (`routing.unknown-route`); then nothing has changed.
  func limit(_ residency: Residency) async throws {
    try residency.requireLimits()
    let pinned = Set(try residency.pin.flatMap(graphs))
    let limits = ResidencyLimits(perGroup: residency.maxExperts, bytes: residency.maxBytes, pinned: pinned)
    await cache.limit(limits) { self.limits.withLock { $0 = residency } }
  }

  /// What runs a graph on some tensors.
  func site(_ graph: Int, inputs: [String: Tensor], outputs: [String: Tensor]) -> CallSite {
    CallSite(cache, graph, inputs: inputs, outputs: outputs)
  }

  /// As ``site(_:inputs:outputs:)``, of a graph that takes the weights of a route's experts.
  func site(_ graph: Int, route: Route, inputs: [String: Tensor], outputs: [String: Tensor]) -> CallSite {
    CallSite(cache, graph, inputs: inputs, outputs: outputs) { [loader] in try loader.weights(graph, route) }
  }

  /// Loads a graph if it is cold, and makes beforehand what the first image of a route would wait for.
  func load(_ graph: Int) async throws { try loader.prepareWeights(graph, try await cache.acquire(graph)) }

  /// Whether a graph is in memory, or fits without evicting another one.
  func hasRoom(_ graph: Int) async -> Bool { await cache.hasRoom(graph) }

  /// Evicts all that is not pinned.
  func trim() async { await cache.trim() }

  /// Frees everything: graphs first, then what they were made of.
  func close() async {
    await cache.clear()
    loader.close()
    streams.close()
  }

  /// The graphs that a pin stands for; where weights are bound none, and they are asked for.
  private func graphs(of pin: Pin) throws -> [Int] {
    if let found = takesWeights ? try pinnedWeights(pin) : pinnedGraphs(pin) { return found }
    throw MVMoEError(
      .routingUnknownRoute,
      "\(pin) cannot be pinned: the bundle has no such route or graph\(whatIsUsable(pin)); give the experts of a route, or "
        + "the name of a routed graph")
  }

  /// Of a pin with experts that some stage has dropped the experts that its routes have; nothing of other pins.
  private func whatIsUsable(_ pin: Pin) -> String {
    let stages = zip(pipeline.stages.dropFirst(), pipeline.rules).map {
      (name: $0.name, rule: $1, usable: Set($1.usable))
    }
    let dropping = stages.filter { stage in
      pin.route?.contains { (0..<stage.rule.experts).contains($0) && !stage.usable.contains($0) } == true
    }
    return dropping.map { " (routes of \($0.name) have the experts \(brief($0.rule.usable)) alone)" }.joined()
  }

  private func pinnedWeights(_ pin: Pin) throws -> [Int]? {
    guard let route = pin.route, !route.isEmpty else { return nil }
    let experts = pipeline.target.experts
    let stages = experts.indices.filter { stage in Set(pipeline.rules[stage].usable).isSuperset(of: route) }
    for stage in stages { try weights.advise(stage: stage + 1, route: route) }
    return stages.isEmpty ? nil : []
  }

  private func pinnedGraphs(_ pin: Pin) -> [Int]? {
    let graphs = pipeline.target.graphs
    let wanted = Set(pin.route.map { pipeline.strategy.serving($0) }?.compactMap(\.self) ?? [])
    let found = routed.filter { place in
      graphs[place].name == pin.graph || graphs[place].route.map(wanted.contains) == true
    }
    let isWhole = !found.isEmpty && Set(found.compactMap { graphs[$0].route }).isSuperset(of: wanted)
    return isWhole ? found : nil
  }
}
