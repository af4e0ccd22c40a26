/// Loads what fits, the most used first, and runs it once on whatever is in the buffers (`docs/dispatcher.md`, *Prewarming*).
struct Prewarming {
  /// A graph of a stage, by its route.
  private struct Served: Hashable {
    let stage: Int
    let route: Route?
  }

  private let pipeline: Pipeline
  private let graphs: GraphCache
  private let buffers: InferenceBuffers
  private let isClosing: () -> Bool

  init(_ pipeline: Pipeline, _ graphs: GraphCache, _ buffers: InferenceBuffers, isClosing: @escaping () -> Bool) {
    self.pipeline = pipeline
    self.graphs = graphs
    self.buffers = buffers
    self.isClosing = isClosing
  }

  func run() async throws {
    if graphs.takesWeights { try await runBound() }
    for graph in await byUsage() {
      if isClosing() { return }
      guard await graphs.hasRoom(graph) else { continue }
      try await runIfItDoes(try buffers.site(graph, slot: pipeline.isJoined(described(graph)) ? 0 : nil))
    }
  }

  /// An expert that does not load or run is passed over: the images that need it have its error.
  private func runIfItDoes(_ site: CallSite) async throws {
    do {
      try await site.run(buffers.laps, ready: .load, run: .expert)
    } catch let failure as MVMoEError where failure.isEngineFailure {}
  }

  /// Runs every graph that takes weights with those of the route that is used most.
  private func runBound() async throws {
    for graph in pipeline.target.graphs where graph.stage > 0 {
      if isClosing() { return }
      guard let route = mostUsedRoute(graph) ?? firstRoute(graph) else { continue }
      if let site = try buffers.step(graph.stage, route).last { try await runIfItDoes(site) }
    }
  }

  private func mostUsedRoute(_ graph: Graph) -> Route? {
    let shares = pipeline.manifest.usagePrior?[graph.stage - 1].filter { serves(graph, $0.route) } ?? []
    // The first of several.
    return shares.reduce(nil as RouteShare?) { best, each in best.map { $0.share >= each.share } == true ? best : each
    }?
    .route
  }

  private func firstRoute(_ graph: Graph) -> Route? {
    pipeline.rules[graph.stage - 1].routes(ofLength: graph.route?.count ?? 0).first { serves(graph, $0) }
  }

  private func serves(_ graph: Graph, _ route: Route) -> Bool {
    !pipeline.isFinished(graph.stage, route) && pipeline.strategy.serving(route).last == .some(graph.route)
  }

  /// The graphs of single routes, pinned ones first, in descending order of the share of images that run them.
  private func byUsage() async -> [Int] {
    let (shares, pinned) = (shares(), await graphs.pinned)
    // The order of the manifest decides where shares are equal: sorting need not keep it.
    return graphs.routed.map { place -> (place: Int, isPinned: Bool, share: Double) in
      let graph = described(place)
      return (place, pinned.contains(place), shares[Served(stage: graph.stage, route: graph.route)] ?? 0)
    }.sorted { one, other in
      if one.isPinned != other.isPinned { return one.isPinned }
      return one.share == other.share ? one.place < other.place : one.share > other.share
    }.map(\.place)
  }

  private func shares() -> [Served: Double] {
    var shares: [Served: Double] = [:]
    if graphs.takesWeights { return shares }
    for (index, items) in (pipeline.manifest.usagePrior ?? []).enumerated() where index < pipeline.rules.count {
      for item in items where !pipeline.isFinished(index + 1, item.route) {
        for route in pipeline.strategy.serving(item.route) {
          shares[Served(stage: index + 1, route: route), default: 0] += item.share
        }
      }
    }
    return shares
  }

  private func described(_ graph: Int) -> Graph { pipeline.target.graphs[graph] }
}
