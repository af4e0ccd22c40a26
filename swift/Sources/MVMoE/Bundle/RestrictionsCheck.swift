/// Restrictions are of distinct stages in ascending order; each says one thing, which the rule that the stage had allows.
func checkRestrictions(_ restrictions: [Restriction]) throws {
  try requireConsistent(
    zip(restrictions, restrictions.dropFirst()).allSatisfy { $0.stage < $1.stage },
    "the restrictions are of stages that are listed twice, or not in ascending order")
  for restriction in restrictions { try checkRestriction(restriction) }
}

private func checkRestriction(_ restriction: Restriction) throws {
  let (rule, place) = (restriction.rule, "the restriction of stage \(restriction.stage)")
  try requireConsistent(
    (restriction.route == nil) != (restriction.kept == nil), "\(place) has a route and kept experts, or neither")
  if let kept = restriction.kept {
    try requireConsistent(
      isAscending(Route(kept), experts: rule.experts),
      "\(place) keeps other experts than its \(rule.experts), or not in ascending order")
  }
  if let route = restriction.route {
    try requireConsistent(
      rule.contains(route),
      "\(place) has the route \(brief(route)), which its rule (\(rule.describe())) does not have")
  }
}
