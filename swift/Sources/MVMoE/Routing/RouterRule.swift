/// A rule by which the logits of a router decide. Its routes are all sets of as many experts as one of its lengths says, of those
/// that it keeps.
protocol RouterRule: Rule {
  /// The experts that it selects from, in ascending order; nil for all.
  var kept: [Int]? { get }

  /// How many experts a route may have.
  var routeLengths: ClosedRange<Int> { get }

  /// Step 4 of *Routing* for experts in ascending order, of finite logits.
  func formula(_ route: Route, _ logits: UnsafeBufferPointer<Float>) -> [Float]
}

extension RouterRule {
  var usable: [Int] { kept ?? Array(0..<experts) }

  /// How many experts it selects from.
  var usableCount: Int { kept?.count ?? experts }

  /// The usable expert at a place among them.
  func usable(at place: Int) -> Int { kept?[place] ?? place }

  var longest: Int { routeLengths.upperBound }

  var lengths: [Int] { Array(routeLengths) }

  var count: DecimalCount { countOfSets(usableCount, routeLengths) }

  var routeCount: String { count.description }

  func routes() -> AnySequence<Route> { AnySequence(routeLengths.lazy.flatMap(sets)) }

  func routes(ofLength length: Int) -> AnySequence<Route> {
    routeLengths.contains(length) ? sets(length) : AnySequence([])
  }

  func contains(_ route: Route) -> Bool {
    guard routeLengths.contains(route.count), isAscending(route, experts: experts) else { return false }
    guard let kept else { return true }
    return route.experts.allSatisfy { isKept($0, kept) }
  }

  /// The sets of that many usable experts, in lexicographic order.
  private func sets(_ length: Int) -> AnySequence<Route> {
    let places = combinations(usableCount, length)
    guard let kept else { return AnySequence(places) }
    return AnySequence(places.lazy.map { set in Route(set.experts.map { kept[$0] }) })
  }

  func gates(of route: Route, logits: UnsafeBufferPointer<Float>) throws -> [Float] {
    try requireLogits(logits, experts: experts)
    try requireRoute(route, of: self, in: "what was asked for")
    return formula(route, logits)
  }

  /// The gates of some experts, which need not be a route of this rule: a caller may have named them.
  func gates(ofNamed route: Route, logits: UnsafeBufferPointer<Float>) throws -> [Float] {
    try requireLogits(logits, experts: experts)
    return formula(route, logits)
  }
}
