/// A rule by which the logits of a router decide. Its routes are all sets of as many experts as one of its lengths says.
protocol RouterRule: Rule {
  /// How many experts a route may have.
  var routeLengths: ClosedRange<Int> { get }

  /// Step 4 of *Routing* for experts in ascending order, of finite logits.
  func formula(_ route: Route, _ logits: UnsafeBufferPointer<Float>) -> [Float]
}

extension RouterRule {
  var longest: Int { routeLengths.upperBound }

  var lengths: [Int] { Array(routeLengths) }

  var count: DecimalCount { countOfSets(experts, routeLengths) }

  var routeCount: String { count.description }

  func routes() -> AnySequence<Route> {
    let experts = experts
    return AnySequence(routeLengths.lazy.flatMap { combinations(experts, $0) })
  }

  func routes(ofLength length: Int) -> AnySequence<Route> {
    routeLengths.contains(length) ? AnySequence(combinations(experts, length)) : AnySequence([])
  }

  func contains(_ route: Route) -> Bool {
    routeLengths.contains(route.count) && isAscending(route, experts: experts)
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
