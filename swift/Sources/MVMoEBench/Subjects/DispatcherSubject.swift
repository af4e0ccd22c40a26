import MVMoE

/// The product: a dispatcher, its experts loaded as images need them.
final class DispatcherSubject: Subject {
  let actual: EngineChoice
  private let core: DispatcherCore
  private let images: Images

  private init(_ core: DispatcherCore, _ images: Images) {
    self.core = core
    self.images = images
    actual = EngineChoice(engine: core.engineName, provider: core.provider)
  }

  /// A dispatcher over the bundle. Its manifest and hashes are checked within one call, so they have no times of their own.
  static func open(
    _ order: SubjectOrder, images: Images, engines: any Engines, watch: Stopwatch
  ) async throws -> DispatcherSubject {
    let (bundle, target) = try order.openBundle()
    let core = try await DispatcherCore.open(
      bundle, target: target, engine: engines.engine(of: order, target), residency: Residency(maxExperts: order.budget))
    watch.lap("open")
    return DispatcherSubject(core, images)
  }

  /// As an application asks; only a trace can impose a route.
  func answer(_ query: Query) async throws -> OutputValues {
    if query.forced { return try await traced(query).outputs }
    let answers = try await core.run(images.image(query.image), query.choices)
    return answers.first.map(Self.values) ?? []
  }

  /// With the time of each part; imposes the route if the query does.
  func trace(_ query: Query) async throws -> Traced? {
    let image = try images.image(query.image)
    let resident = Set(await core.resident)
    let stages = core.bundle.manifest.rules.count
    return try await core.trace(image) { laps in
      try self.selectors(query.forced ? query.routes : nil, query.choices, laps)
    } read: { answer, laps in
      // First of all: the answer is there, and what is asked about it is nobody's cost.
      let parts = PartsByStage(laps, stages: stages)
      let ran = try self.pipeline.routesInGraph ? [] : answer.routes.enumerated().map { try self.ran(at: $0 + 1, $1) }
      return Traced(
        outputs: Self.values(answer),
        routes: (0..<stages).map { answer.routes.indices.contains($0) ? answer.routes[$0].experts : [] },
        cold: (0..<stages).map { stage in
          ran.indices.contains(stage) && ran[stage].contains { $0.route != nil && !resident.contains($0.name) }
        },
        laps: parts.fields)
    }
  }

  func prewarm() async throws { try await core.prewarm() }

  /// Every route's graph, the first time and the second: imposed, one stage after another.
  func loadEach(_ body: (Loaded) -> Bool) async throws {
    for (place, graph) in pipeline.target.graphs.enumerated() where graph.route != nil {
      if await core.resident.contains(graph.name) { continue }
      guard let routes = try routes(serving: place, of: graph.stage) else { continue }
      for loaded in try await loads(routes) where !body(loaded) { return }
    }
  }

  func close() async { await core.close() }

  private func selectors(_ imposed: Routes?, _ choices: [String: String], _ laps: Laps) throws -> [any Selector] {
    guard let imposed else { return try core.selectors(choices) }
    if pipeline.routesInGraph {
      throw refused("routes of routers inside of a graph cannot be imposed by this program")
    }
    return try zip(pipeline.rules, imposed).map { try Self.selector($0, Route($1), laps) }
  }

  /// What takes a route at one stage: its caller's choice, or imposed on its router.
  private static func selector(_ rule: any Rule, _ route: Route, _ laps: Laps) throws -> any Selector {
    if let rule = rule as? any CallersRule, let chosen = rule.named.first(where: { $0.value == route }) {
      return try rule.chosen(chosen.key)
    }
    return Imposed(rule: rule, route: route, laps: laps)
  }

  /// The first routes on which an image runs a graph; nil where there are none.
  private func routes(serving graph: Int, of graphStage: Int) throws -> [Route]? {
    var routes: [Route] = []
    for (index, rule) in pipeline.rules.enumerated() {
      let stage = index + 1
      let first = try rule.routes().first { route in
        try !pipeline.isFinished(stage, route)
          && (stage != graphStage || pipeline.serving(stage, route).contains(graph))
      }
      guard let first else { return nil }
      routes.append(first)
    }
    return routes
  }

  /// The graphs that an image with these routes brings into memory.
  private func loads(_ routes: [Route]) async throws -> [Loaded] {
    let resident = Set(await core.resident)
    let cold = try await graphTimes(routes)
    let warm = try await graphTimes(routes)
    return try routes.indices.flatMap { index in
      try zip(ran(at: index + 1, routes[index]), zip(cold[index], warm[index])).compactMap { graph, times in
        guard let route = graph.route, !resident.contains(graph.name) else { return nil }
        return Loaded(
          graph: graph.name, stage: graph.stage, route: route.experts, load: times.0.load, first: times.0.run,
          warm: times.1.run)
      }
    }
  }

  private func graphTimes(_ routes: [Route]) async throws -> [[PartsByStage.GraphTime]] {
    try await core.trace(images.image(0)) { laps in
      try self.selectors(routes.map(\.experts), [:], laps)
    } read: { _, laps in
      PartsByStage(laps, stages: routes.count).graphs
    }
  }

  private func ran(at stage: Int, _ route: Route) throws -> [Graph] {
    try pipeline.isFinished(stage, route) ? [] : pipeline.serving(stage, route).map { pipeline.target.graphs[$0] }
  }

  private var pipeline: Pipeline { core.pipeline }

  private static func values(_ answer: Answer) -> OutputValues {
    answer.outputs.map { OutputValue(name: $0.name, numbers: $0.values) }
  }
}
