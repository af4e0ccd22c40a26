/// The numbers of experts that a rule may have.
let expertCounts = 1...4096

private let mostShown = 16

/// Whether a route is at least one of `experts` experts, each above the one before.
func isAscending(_ route: Route, experts: Int) -> Bool {
  var least = 0
  for expert in route.experts {
    if expert < least || expert >= experts { return false }
    least = expert + 1
  }
  return !route.isEmpty
}

/// Refuses a route that `rule` cannot give; `place` names what has it.
func requireRoute(_ route: Route, of rule: some Rule, in place: String) throws {
  if rule.contains(route) { return }
  throw MVMoEError(
    .routingUnknownRoute,
    "\(place) has the route \(shown(route)); expected a route of its rule (\(rule.describe())), the experts in ascending "
      + "order",
    fields: ["route": .list(route.prefix(mostShown).map { .integer($0) })])
}

/// A route for a message: of a long one the beginning only.
func shown(_ route: Route) -> String { "[\(listed(route.map(String.init)))]" }

/// Some texts for a message: of many the first ones only.
func listed(_ texts: [String]) -> String {
  let rest = texts.count > mostShown ? ["..."] : []
  return (texts.prefix(mostShown) + rest).joined(separator: ", ")
}

/// Refuses values of a rule that leave no route.
func requireRule(_ holds: Bool, _ message: @autoclosure () -> String) throws {
  guard holds else { throw MVMoEError(.routingRuleInvalid, message()) }
}

/// Refuses a number of experts that no rule may have.
func requireExperts(_ experts: Int) throws {
  try requireRule(
    expertCounts.contains(experts),
    "a rule has \(experts) experts; give a number from \(expertCounts.lowerBound) to \(expertCounts.upperBound)")
}
