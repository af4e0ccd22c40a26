/// The rule `given`: the route that the caller names for ``choice``; that of ``otherwise`` where no name was given.
///
/// A task, or a state of the device, picks the experts, as in task-conditioned mixtures (arXiv 2110.03742, *task-level*
/// routing). Without a router the stage needs a name, and every gate is 1. With one a named route has the gates that its rule
/// gives it, as every imposed route has.
struct Given: CallersRule {
  static let name = "given"
  static let defaultChoice = "route"

  private static let mostShown = 16
  private static let longestGiven = 200

  let experts: Int
  let named: [String: Route]
  let choice: String
  let lengths: [Int]

  /// The rule of the router that decides where no name was given.
  private let router: (any RouterRule)?

  /// In ascending order.
  private let names: [String]

  /// The named routes, each once, by the order of their first names.
  private let distinct: [Route]

  /// The same, to be found at once.
  private let known: Set<Route>

  /// A rule of named routes; two names may mean one route.
  init(
    experts: Int, named: [String: Route], choice: String = defaultChoice, otherwise: (any RouterRule)? = nil
  ) throws {
    try Self.requireFields(experts, named, choice, otherwise)
    self.experts = experts
    self.named = named
    self.choice = choice
    router = otherwise
    names = named.keys.sorted()
    var seen = Set<Route>()
    distinct = names.compactMap { named[$0] }.filter { seen.insert($0).inserted }
    known = seen
    lengths = Set(distinct.map(\.count) + (otherwise?.lengths ?? [])).sorted()
  }

  private static func requireFields(
    _ experts: Int, _ named: [String: Route], _ choice: String, _ otherwise: (any RouterRule)?
  ) throws {
    try requireExperts(experts)
    try requireRule(
      TextForm.choice.contains(choice), "given has the choice \(quoted(choice)); expected \(TextForm.choice)")
    try requireRule(!named.isEmpty, "given has no routes; name at least one")
    for (name, route) in named.sorted(by: { $0.key < $1.key }) { try requireNamed(name, route, experts) }
    guard let otherwise else { return }
    try requireRule(
      otherwise.experts == experts,
      "given has \(experts) experts, and the rule that decides otherwise \(otherwise.experts); give both the same number"
    )
  }

  private static func requireNamed(_ name: String, _ route: Route, _ experts: Int) throws {
    try requireRule(
      TextForm.name.contains(name), "given has a route of the name \(quoted(name)); expected \(TextForm.name)")
    try requireRule(
      isAscending(route, experts: experts),
      "given has the route \(shown(route)) of the name \(name); give some of its \(experts) experts, in ascending order"
    )
  }

  var name: String { Self.name }

  var otherwise: (any Rule)? { router }

  var usable: [Int] { Set(distinct.joined()).union(router?.usable ?? []).sorted() }

  var longest: Int { lengths.last ?? 0 }

  var routeCount: String {
    var count = router?.count ?? DecimalCount(0)
    count.add(DecimalCount(distinct.count { router?.contains($0) != true }))
    return count.description
  }

  func routes() -> AnySequence<Route> { joined(distinct, router?.routes()) }

  func routes(ofLength length: Int) -> AnySequence<Route> {
    joined(distinct.filter { $0.count == length }, router?.routes(ofLength: length))
  }

  /// Named routes, and those of the router that have no name.
  private func joined(_ named: [Route], _ routed: AnySequence<Route>?) -> AnySequence<Route> {
    guard let routed else { return AnySequence(named) }
    let known = known
    let parts = [AnySequence(named), AnySequence(routed.lazy.filter { !known.contains($0) })]
    return AnySequence(parts.lazy.joined())
  }

  func contains(_ route: Route) -> Bool { known.contains(route) || router?.contains(route) == true }

  func chosen(_ name: String?) throws -> any Selector {
    guard let name else {
      guard let router else { throw missing() }
      return router
    }
    // Letters that Unicode holds to be equal to others (the Kelvin sign to K) make another name.
    guard name.utf8.allSatisfy({ $0 < 0x80 }), let route = named[name] else { throw unknown(name) }
    return NamedRoute(route: route, router: router)
  }

  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection { try chosen(nil).select(logits) }

  func gates(of route: Route, logits: UnsafeBufferPointer<Float>) throws -> [Float] {
    if router != nil { try requireLogits(logits, experts: experts) }
    try requireRoute(route, of: self, in: "what was asked for")
    return try NamedRoute(route: route, router: router).select(logits).gates
  }

  func margin(_ logits: UnsafeBufferPointer<Float>) throws -> Double { try router?.margin(logits) ?? .infinity }

  func describe() -> String {
    if let router { return "\(router.describe()), or as the caller's \(choice) says" }
    let routes = distinct.count > 1 ? "one of \(distinct.count) routes" : "one route"
    return "\(routes) of \(experts) experts, as the caller's \(choice) says"
  }

  private func missing() -> MVMoEError {
    MVMoEError(
      .routingChoiceMissing,
      "no \(choice) was given, and no router decides it; give one of \(listed(names))",
      fields: ["choice": .text(choice), "expected": expected])
  }

  private func unknown(_ name: String) -> MVMoEError {
    MVMoEError(
      .routingChoiceUnknown,
      "the \(choice) \(quoted(name)) was given; expected one of \(listed(names))",
      fields: [
        "choice": .text(choice), "given": .text(String(name.unicodeScalars.prefix(Self.longestGiven))),
        "expected": expected,
      ])
  }

  private var expected: ErrorValue { .list(names.prefix(Self.mostShown).map(ErrorValue.text)) }
}

extension Given {
  private static let nameCounts = 1...4096

  static func read(_ fields: Fields) throws -> any Rule {
    try Given(
      experts: fields.int("experts", expertCounts),
      named: fields.map("routes", keys: .name, sizes: nameCounts) { field in
        Route(try field.list { try $0.anyInt() })
      },
      choice: fields.text("choice", .choice, default: defaultChoice),
      otherwise: fields.optional("otherwise") { try $0.record(router) })
  }

  private static func router(_ fields: Fields) throws -> any RouterRule {
    let rule = try Rules.read(fields)
    guard let router = rule as? any RouterRule else {
      throw MVMoEError(
        .routingRuleInvalid, "given leaves the choice to a caller again; give a rule of a router, or null")
    }
    return router
  }
}

/// Gives every image one route, with the gates of the rule that a router would follow; gates of 1 where there is none.
private struct NamedRoute: Selector {
  let route: Route
  let router: (any RouterRule)?

  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection {
    let gates = try router?.gates(ofNamed: route, logits: logits) ?? Array(repeating: 1, count: route.count)
    return Selection(route: route, gates: gates)
  }
}
