/// What one target's graphs are to each other: the stages that they are, and the graphs of each route.
///
/// Graphs are told by their place in the target's list; stages count from the stem's, which is 0.
package final class Pipeline: Sendable {
  /// One of the model's outputs, of images for which a stage was the last.
  struct Result: Sendable {
    /// Its place in the manifest's list.
    let output: Int

    /// The tensor that it is.
    let tensor: String
  }

  package let manifest: Manifest
  package let target: Target
  package let strategy: any Strategy

  /// The stages between which the host selects routes; one where the routers are inside of the graph.
  package let stages: [Stage]

  /// The rules by which it does, for each stage behind the stem.
  package let rules: [any Rule]

  /// The routers inside of the graph; nil where there are none.
  let innerRouting: InnerRouting?

  /// For each stage the model's outputs of images for which it was the last.
  let results: [[Result]]

  private let finishes: [Set<Route>]
  private let byRoute: [[Route?: Int]]

  /// The pipeline of a target of a manifest that was checked.
  package init(manifest: Manifest, target: Target) throws {
    self.manifest = manifest
    self.target = target
    strategy = try known(Strategies.find(target.strategy), "strategy \(target.strategy)")
    let stages = graphStages(manifest, target)
    self.stages = stages
    rules = stages.compactMap(\.rule)
    innerRouting = target.routersInGraph ? InnerRouting(manifest.rules) : nil
    finishes = stages.map { Set($0.finishes) }
    byRoute = stages.indices.map { stage in
      let graphs = target.graphs.enumerated().filter { $1.stage == stage }.map { ($1.route, $0) }
      return Dictionary(graphs) { first, _ in first }
    }
    results = stages.indices.map { Self.results(manifest, stages, last: $0) }
  }

  /// Whether the routers are inside of the graph.
  package var routesInGraph: Bool { innerRouting != nil }

  /// The graph of a stage that serves all routes; the stem's for stage 0.
  package func graphOfAll(_ stage: Int) throws -> Int { try graph(stage, nil) }

  /// The graphs that images of a route run at a stage, in order: all but the last fill its slots, the first one slot 0.
  package func serving(_ stage: Int, _ route: Route) throws -> [Int] {
    try strategy.serving(route).map { try graph(stage, $0) }
  }

  /// Whether what a graph gives fills slots of another one of its stage.
  func isJoined(_ graph: Graph) -> Bool {
    graph.stage > 0 && strategy.isJoined(graph.route, rule: rules[graph.stage - 1])
  }

  /// Whether an image on a route of a stage runs neither it nor any after it.
  package func isFinished(_ stage: Int, _ route: Route) -> Bool { finishes[stage].contains(route) }

  /// A graph that gives what a stage gives.
  package func givingGraph(_ stage: Int) throws -> Int {
    if stage == 0 { return try graphOfAll(0) }
    let route = try known(rules[stage - 1].routes().first { !isFinished(stage, $0) }, "route of stage \(stage)")
    return try known(try serving(stage, route).last, "graph of stage \(stage)")
  }

  /// The tensor that an output is for an image which has run the stages up to `last`; nil where no stage has given one.
  package func tensor(of output: OutputSpec, last: Int) -> String? { Self.tensor(of: output, stages, last: last) }

  private func graph(_ stage: Int, _ route: Route?) throws -> Int {
    try known(byRoute[stage][route], "graph of stage \(stage) for the route \(route?.description ?? "of all")")
  }

  private static func results(_ manifest: Manifest, _ stages: [Stage], last: Int) -> [Result] {
    manifest.outputs.enumerated().compactMap { index, output in
      tensor(of: output, stages, last: last).map { Result(output: index, tensor: $0) }
    }
  }

  private static func tensor(of output: OutputSpec, _ stages: [Stage], last: Int) -> String? {
    output.tensors.last { tensor in stages[...last].contains { $0.gives.values.contains(tensor) } }
  }
}

/// What a manifest that was checked always has: without it, its reader has let pass what it should have refused.
func known<Value>(_ value: Value?, _ what: @autoclosure () -> String) throws -> Value {
  if let value { return value }
  throw MVMoEError(
    .bundleManifestInconsistent, "the bundle has no \(what()), which it needs; export the bundle again")
}
