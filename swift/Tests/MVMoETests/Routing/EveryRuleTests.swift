import Testing

@testable import MVMoE

/// What holds of every rule, asked of many random ones.
@Suite struct EveryRuleTests {
  private var generator = RandomRules(seed: 17)
  private var cases: [(rule: any Rule, logits: [Float])] = []

  /// Those that have a router: the others need a name.
  private var routed: [(rule: any Rule, logits: [Float])] { cases.filter { Choices.router(of: $0.rule) != nil } }

  init() throws {
    for _ in 0..<2000 {
      let rule = try generator.rule()
      cases.append((rule, generator.logits(rule.experts)))
    }
  }

  @Test func aRuleGivesRoutesOfItsOwnWithAFiniteGateForEachExpert() throws {
    for (rule, logits) in routed {
      let found = try rule.select(logits)
      let isSound =
        rule.contains(found.route) && rule.lengths.contains(found.route.count)
        && found.route.count <= rule.longest && found.route.count == found.gates.count
        && areGates(found.gates)
      if !isSound { Issue.record("\(rule.describe()): \(found)") }
    }
  }

  @Test func oneFormulaGivesTheGatesOfSelectedAndOfImposedRoutes() throws {
    for (rule, logits) in routed {
      let found = try rule.select(logits)
      if try found.gates != rule.gates(of: found.route, logits: logits) { Issue.record("\(rule.describe())") }
    }
  }

  @Test func everyImposedRouteHasFiniteGatesWhereScoresUnderflowToo() throws {
    for (rule, logits) in cases {
      let given = Choices.router(of: rule) == nil ? [] : logits
      for route in rule.routes().prefix(20) where try !areGates(rule.gates(of: route, logits: given)) {
        Issue.record("\(rule.describe()) \(route)")
      }
    }
  }

  @Test func routesAreCountedListedOnceAndRecognised() {
    for (rule, _) in cases.prefix(300) {
      let routes = Array(rule.routes())
      #expect(rule.routeCount == String(routes.count))
      #expect(Set(routes).count == routes.count)
      let every = (1...rule.experts).flatMap { Array(combinations(rule.experts, $0)) }
      #expect(Set(every.filter(rule.contains)) == Set(routes))
      #expect(Set(routes.map(\.count)).sorted() == rule.lengths)
      #expect(routes.map(\.count).max() == rule.longest)
      for length in 0...rule.experts {
        #expect(routes.filter { $0.count == length } == Array(rule.routes(ofLength: length)))
      }
    }
  }

  @Test func theUsableExpertsAreThoseOfItsRoutes() {
    for (rule, _) in cases.prefix(300) { #expect(Set(rule.routes().joined()).sorted() == rule.usable) }
  }

  @Test func logitsWhoseRouteHasKeptExpertsAloneKeepItAndItsGatesBitForBit() throws {
    var stayed = 0
    for (_, logits) in cases where logits.count > 1 {
      let experts = logits.count
      let kept = (0..<experts).filter { $0 % 3 > 0 }
      let pairs: [(every: any Rule, some: any Rule)] = [
        (try TopK(experts: experts), try TopK(experts: experts, kept: kept)),
        (
          try TopP(experts: experts, p: 0.5, kMax: experts),
          try TopP(experts: experts, p: 0.5, kMax: experts, kept: kept)
        ),
      ]
      for (every, some) in pairs {
        let before = try every.select(logits)
        guard before.route.allSatisfy(kept.contains) else { continue }
        stayed += 1
        if try some.select(logits) != before { Issue.record("\(some.describe()) \(logits)") }
      }
    }
    #expect(stayed > 100)
  }

  @Test func whatIsNoAscendingListOfExpertsIsNoneOfItsRoutes() {
    for (rule, _) in cases.prefix(300) {
      let last = rule.experts
      let wrong: [Route] = [[], [last], [-1], [0, 0], [1, 0], [0, last], [-1, 0], [.min], [.max]]
      for route in wrong { #expect(!rule.contains(route), "\(rule.describe()) has \(route)") }
    }
  }

  @Test func changingAllLogitsByLessThanHalfTheMarginNeverChangesTheRoute() throws {
    var generator = generator
    var turned = 0
    for (rule, logits) in routed {
      let margin = try rule.margin(logits)
      let wanted = try rule.select(logits).route
      for _ in 0..<10 where try rule.select(generator.near(logits, min(margin / 2, 1e30))).route != wanted {
        Issue.record("\(rule.describe()) \(logits)")
      }
      // And it promises not much less than there is: with twice as much, many routes turn.
      if margin.isFinite, try rule.select(generator.near(logits, 2 * margin + 1e-3)).route != wanted { turned += 1 }
    }
    #expect(turned > 100)
  }

  @Test func wherePAndTheSumAreBothAsGoodAs1NothingIsPromised() throws {
    #expect(try TopP(experts: 2, p: 1 - 1e-9, kMax: 2).margin([0, -800]) == 0)
  }

  @Test func aLogitThatIsNotFiniteIsAnErrorThatNamesItsExpert() throws {
    for (rule, logits) in routed.prefix(300) {
      let route = try #require(rule.routes().first { _ in true })
      let expert = logits.count / 2
      for bad in [Float.nan, .infinity, -.infinity] {
        var changed = logits
        changed[expert] = bad
        let given = changed
        for attempt in [
          { _ = try rule.select(given) }, { _ = try rule.gates(of: route, logits: given) },
          { _ = try rule.margin(given) },
        ] {
          let error = refusal(of: attempt)
          #expect(error?.code == .routingNotFinite)
          #expect(error?.fields == ["expert": .integer(expert)])
        }
      }
    }
  }

  @Test func anotherNumberOfLogitsIsRefused() throws {
    for (rule, logits) in routed.prefix(100) {
      for wrong in [logits + [0], Array(logits.dropLast()), []] {
        let error = refusal { _ = try rule.select(wrong) }
        #expect(error?.code == .routingLogitsShape)
        #expect(error?.fields == ["found": [.integer(wrong.count)]])
      }
    }
  }

  @Test func aRouteOfAnotherRuleHasNoGates() throws {
    let error = refusal { _ = try TopK(experts: 3, k: 2).gates(of: [0], logits: [0, 0, 0]) }
    #expect(error?.code == .routingUnknownRoute)
    #expect(error?.fields == ["route": [0]])
    #expect(
      error?.message == "what was asked for has the route [0]; expected a route of its rule (top 2 of 3 experts), "
        + "the experts in ascending order")
  }

  private func areGates(_ gates: [Float]) -> Bool { gates.allSatisfy { $0.isFinite && $0 >= 0 } }
}
