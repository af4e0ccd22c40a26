/// `bind`: a graph for each length of route, named by the first experts of that length; the experts' weights are its inputs.
///
/// All images of a batch have one route.
struct BindStrategy: RouteGraphs {
  var name: String { "bind" }

  var bindsWeights: Bool { true }

  func graphs(_ rule: any Rule) -> AnySequence<Route?> { AnySequence(rule.lengths.lazy.map { Route.first($0) }) }

  func serving(_ route: Route) -> [Route?] { [Route.first(route.count)] }

  func isNeeded(_ graph: Route?, rule: any Rule, finishes: Set<Route>) -> Bool {
    example(of: graph, rule: rule, finishes: finishes) != nil
  }

  func example(of graph: Route?, rule: any Rule, finishes: Set<Route>) -> Route? {
    guard let graph else { return nil }
    return rule.routes(ofLength: graph.count).first { !finishes.contains($0) }
  }
}
