/// Every stage has exactly the graphs of the target's strategy.
func checkGraphs(_ target: Target, _ strategy: any Strategy, _ stages: [Stage]) throws {
  try requireDistinct(target.graphs.map(\.name), "graph of target \(target.name)")
  var found: [[Route?]] = Array(repeating: [], count: stages.count)
  for graph in target.graphs {
    try checkGraph(graph, target, stages.count)
    found[graph.stage].append(graph.route)
  }
  for (stage, routes) in zip(stages, found) { try checkComplete(target, stage, routes, strategy) }
}

private func checkGraph(_ graph: Graph, _ target: Target, _ stages: Int) throws {
  try requireConsistent(
    graph.stage < stages, Fault(.bundleGraphsMismatch, ["target": .text(target.name)]),
    "\(place(graph, target)) is of stage \(graph.stage), and there are \(stages)")
  try requireConsistent(
    graph.exclusiveBytes <= graph.weightBytes,
    "\(place(graph, target)) has more exclusive bytes than bytes of weights")
}

/// A stage has each graph of the strategy once, and no other.
private func checkComplete(_ target: Target, _ stage: Stage, _ found: [Route?], _ strategy: any Strategy) throws {
  let place = "stage \(stage.name) of target \(target.name)"
  let fault = Fault(.bundleGraphsMismatch, ["target": .text(target.name), "stage": .text(stage.name)])
  try requireDistinct(found, "graph of \(place)", fault)
  var left = Set(found)
  // Ends at the first graph that is missing: there may be more routes than memory holds.
  for route in neededGraphs(strategy, stage) where left.remove(route) == nil {
    throw inconsistent(
      "\(place) has no graph \(served(route))", fault.with(["route": .route(route)]))
  }
  guard let other = left.first else { return }
  throw inconsistent("\(place) has a graph \(served(other)), which it cannot have", fault)
}

/// The graphs of a stage, lazily: those of the strategy that some image which runs the stage needs.
func neededGraphs(_ strategy: any Strategy, _ stage: Stage) -> AnySequence<Route?> {
  guard let rule = stage.rule else { return AnySequence([nil]) }
  let finishes = Set(stage.finishes)
  return AnySequence(strategy.graphs(rule).lazy.filter { strategy.isNeeded($0, rule: rule, finishes: finishes) })
}

private func served(_ route: Route?) -> String { route == nil ? "for all routes" : "for the route \(brief(route))" }

/// The bytes of experts are there for each expert of each routed stage, or not at all.
func checkExpertBytes(_ target: Target, _ strategy: any Strategy, _ rules: [any Rule]) throws {
  let found = (target.sizes?.expertBytes ?? []).map(\.count)
  if found.isEmpty { return }
  let wanted = strategy.separatesExperts ? rules.map(\.experts) : []
  try requireConsistent(
    found == wanted,
    "target \(target.name) has the bytes of \(brief(found)) experts by stage, where \(brief(wanted)) are expected with the "
      + "strategy \(target.strategy)")
}

extension ErrorValue {
  /// The beginning of a graph's route.
  fileprivate static func route(_ route: Route?) -> ErrorValue {
    guard let route else { return .none }
    return .list(route.prefix(mostItemsShown).map { .integer($0) })
  }
}
