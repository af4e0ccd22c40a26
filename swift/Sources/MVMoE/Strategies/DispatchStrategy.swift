/// `dispatch`: a graph for each route, with the experts of that route alone.
struct DispatchStrategy: RouteGraphs {
  var name: String { "dispatch" }

  func graphs(_ rule: any Rule) -> AnySequence<Route?> { AnySequence(rule.routes().lazy.map(Optional.some)) }

  func serving(_ route: Route) -> [Route?] { [route] }

  func isNeeded(_ graph: Route?, rule: any Rule, finishes: Set<Route>) -> Bool { !isFinished(graph, finishes) }

  func example(of graph: Route?, rule: any Rule, finishes: Set<Route>) -> Route? { graph }
}

/// Whether images of that route run no graph.
func isFinished(_ graph: Route?, _ finishes: Set<Route>) -> Bool { graph.map(finishes.contains) ?? false }
