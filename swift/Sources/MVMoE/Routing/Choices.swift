/// What callers choose: for one call of the dispatcher, and in turn for golden images.
package enum Choices {
  private static let longestGiven = 200

  /// What a caller may choose in a model with these rules, in their order, and the sorted names for each.
  static func of(_ rules: [any Rule]) -> [(choice: String, names: [String])] {
    var found: [(choice: String, names: [String])] = []
    for case let rule as any CallersRule in rules where !found.contains(where: { $0.choice == rule.choice }) {
      found.append((rule.choice, rule.named.keys.sorted()))
    }
    return found
  }

  /// As ``of(_:)``, of those that a caller has to make: no router decides.
  static func required(_ rules: [any Rule]) -> [(choice: String, names: [String])] {
    of(rules.filter { router(of: $0) == nil })
  }

  /// The rule by which a router decides; nil where the caller has to.
  static func router(of rule: any Rule) -> (any Rule)? {
    guard let rule = rule as? any CallersRule else { return rule }
    return rule.otherwise
  }

  /// The first choice that contradicts itself; nil if there is none.
  ///
  /// One choice is made for all stages that name it. So they have the same names, and a router in all of them or in none:
  /// beside one that needs a name, another's router would never decide.
  static func contradiction(_ rules: [any Rule]) -> String? {
    var first: [String: any CallersRule] = [:]
    for case let rule as any CallersRule in rules {
      let other = first[rule.choice, default: rule]
      first[rule.choice] = other
      if Set(rule.named.keys) != Set(other.named.keys) || (rule.otherwise == nil) != (other.otherwise == nil) {
        return rule.choice
      }
    }
    return nil
  }

  /// For each stage what selects its routes in a call with these choices.
  ///
  /// - Throws: ``MVMoEError`` for a choice that no stage has (`routing.no-such-choice`), a name that it does not have
  ///   (`routing.choice-unknown`), and for one that is missing where no router decides (`routing.choice-missing`).
  static func selectors(_ rules: [any Rule], choices: [String: String]) throws -> [any Selector] {
    try requireKnown(rules, choices)
    return try rules.map { rule in
      guard let rule = rule as? any CallersRule else { return rule }
      return try rule.chosen(choices[rule.choice])
    }
  }

  /// The names that golden images take in turn, in ascending order; nil at the end leaves the route to the router.
  package static func turns(of rule: any Rule) -> [String?] {
    guard let rule = rule as? any CallersRule else { return [nil] }
    return rule.named.keys.sorted() + (rule.otherwise == nil ? [] : [nil])
  }

  /// What selects the route of golden image number `image` (`docs/bundle.md`, *Golden vectors*).
  static func selectorInTurn(_ rule: any Rule, image: Int) throws -> any Selector {
    guard let rule = rule as? any CallersRule else { return rule }
    let turns = turns(of: rule)
    return try rule.chosen(turns[image % turns.count])
  }

  private static func requireKnown(_ rules: [any Rule], _ choices: [String: String]) throws {
    if choices.isEmpty { return }
    let known = of(rules).map(\.choice)
    guard let unknown = choices.keys.filter({ !known.contains($0) }).min() else { return }
    let expected =
      known.isEmpty ? "leave it out: its routers choose" : "expected \(known.joined(separator: ", "))"
    throw MVMoEError(
      .routingNoSuchChoice,
      "the choice \(quoted(unknown)) was given, which the model does not have; \(expected)",
      fields: [
        "given": .text(String(unknown.unicodeScalars.prefix(longestGiven))),
        "expected": .list(known.map(ErrorValue.text)),
      ])
  }
}
