@testable import MVMoE

/// The rules of this library as a reader of the conformance cases.
struct RuleReader: RoutingReader {
  func select(_ rule: JSONValue, _ logits: [Float]) throws -> RoutingAnswer {
    try answered { try RuleReader.rule(rule).select(logits) }
  }

  func choose(_ rule: JSONValue, _ choices: [String: String], _ logits: [Float]) throws -> RoutingAnswer {
    try answered { try Choices.selectors([RuleReader.rule(rule)], choices: choices)[0].select(logits) }
  }

  func inTurn(_ rule: JSONValue, image: Int, _ logits: [Float]) throws -> RoutingAnswer {
    try answered { try Choices.selectorInTurn(RuleReader.rule(rule), image: image).select(logits) }
  }

  func gates(_ rule: JSONValue, of route: [Int], _ logits: [Float]) throws -> [Double] {
    try refusing { try RuleReader.rule(rule).gates(of: Route(route), logits: logits).map(Double.init) }
  }

  /// A rule of plain data. What no field of a manifest may have is one more reason why there is no such rule.
  static func rule(_ data: JSONValue) throws -> any Rule {
    do {
      let fields = try Fields(data, "rule")
      let rule = try Rules.read(fields)
      try fields.end()
      return rule
    } catch let error as MVMoEError where error.code.rawValue.hasPrefix("bundle.manifest-") {
      throw MVMoEError(.routingRuleInvalid, error.message, fields: error.fields, cause: error)
    }
  }

  private func answered(_ select: () throws -> Selection) throws -> RoutingAnswer {
    let selection = try refusing(select)
    return RoutingAnswer(route: selection.route.experts, gates: selection.gates.map(Double.init))
  }

  private func refusing<Result>(_ work: () throws -> Result) throws -> Result {
    do { return try work() } catch let error as MVMoEError { throw Refused(code: error.code.rawValue) }
  }
}
