/// By how much the shares of a row may miss 1.
private let tolerance = 1e-3

/// The usage prior has a row for each rule: its routes, each once, with shares that sum to 1.
func checkUsagePrior(_ manifest: Manifest) throws {
  guard let prior = manifest.usagePrior else { return }
  let rules = manifest.rules
  try requireConsistent(
    prior.count == rules.count,
    "the usage prior has \(prior.count) stages; expected \(rules.count), one for each routed stage")
  for (index, (shares, rule)) in zip(prior, rules).enumerated() {
    try checkRow(shares, rule, "routed stage \(index + 1) of the usage prior")
  }
}

private func checkRow(_ shares: [RouteShare], _ rule: any Rule, _ place: String) throws {
  for item in shares {
    try requireConsistent(
      rule.contains(item.route),
      "\(place) has the route \(brief(item.route)), which its rule (\(rule.describe())) does not have")
  }
  try requireDistinct(shares.map(\.route), "route of \(place)")
  let total = shares.reduce(0) { $0 + $1.share }
  try requireConsistent(abs(total - 1) < tolerance, "\(place) has shares that sum to \(total); expected 1")
}
