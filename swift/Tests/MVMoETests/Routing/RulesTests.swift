import Testing

@testable import MVMoE

/// Rules as a manifest has them. The bundles' conformance cases ask for each code; here is who says what.
@Suite struct RulesTests {
  @Test func aRuleThatIsNotKnownIsRefusedWithThoseThatAre() throws {
    let error = try refused(#"{"type":"hash","experts":4}"#)
    #expect(error?.code == .bundleUnknownRule)
    #expect(error?.fields == ["name": "hash", "installed": ["given", "threshold", "top_k", "top_p"]])
    #expect(Rules.names == ["given", "threshold", "top_k", "top_p"])
  }

  @Test func valuesThatLeaveNoRouteAreRefusedWithTheirPlaceInTheManifest() throws {
    let error = try refused(#"{"type":"top_k","experts":4,"k":5}"#)
    #expect(error?.code == .routingRuleInvalid)
    #expect(
      error?.message == "$.stages[1].rule is no rule that images can follow: top_k with k = 5 cannot select from 4 "
        + "experts; give 1 <= k <= experts")
  }

  @Test func aRuleWithinARuleHasItsOwnPlace() throws {
    let inner = try refused(
      #"{"type":"given","experts":4,"routes":{"a":[0]},"otherwise":{"type":"top_k","experts":4,"k":5}}"#)
    #expect(inner?.code == .routingRuleInvalid)
    #expect(
      inner?.message.hasPrefix("$.stages[1].rule.otherwise is no rule that images can follow: top_k with k = 5") == true
    )
    let again = #"{"type":"given","experts":4,"routes":{"a":[0]}}"#
    let outer = try refused(#"{"type":"given","experts":4,"routes":{"a":[0]},"otherwise":\#(again)}"#)
    #expect(
      outer?.message
        == "$.stages[1].rule is no rule that images can follow: given leaves the choice to a caller again; "
        + "give a rule of a router, or null")
  }

  @Test(arguments: [
    (#"{"type":"top_k","experts":4097}"#, ErrorCode.bundleManifestOutOfRange),
    (#"{"type":"top_p","experts":4,"p":"0.5","k_max":1}"#, .bundleManifestWrongType),
    (#"{"type":"threshold","experts":4}"#, .bundleManifestMissingField),
    (#"{"type":"threshold","experts":1,"thresholds":[4e38]}"#, .bundleManifestOutOfRange),
  ])
  func aFieldBeyondItsRangeIsAFaultOfTheField(_ rule: String, _ code: ErrorCode) throws {
    #expect(try refused(rule)?.code == code)
  }

  @Test func anExpertThatNoIntHoldsIsNone() throws {
    let error = try refused(#"{"type":"given","experts":4,"routes":{"a":[100000000000000000000]}}"#)
    #expect(error?.code == .routingRuleInvalid)
  }

  @Test func aRuleWithinARuleIsReadAsStrictly() throws {
    let inner = #"{"type":"top_k","experts":4,"surprise":1}"#
    let error = try refused(#"{"type":"given","experts":4,"routes":{"a":[0]},"otherwise":\#(inner)}"#)
    #expect(error?.code == .bundleManifestUnknownField)
  }

  @Test func rulesMadeInCodeAreCheckedToo() throws {
    let wrong: [() throws -> any Rule] = [
      { try TopK(experts: 0) },
      { try TopK(experts: 4, k: 0) },
      { try TopK(experts: 4, renormalize: true, unitGates: true) },
      { try TopK(experts: .max) },
      { try TopK(experts: .min) },
      { try TopP(experts: 4, p: .nan, kMax: 2) },
      { try TopP(experts: 4, p: .infinity, kMax: 2) },
      { try TopP(experts: 4, p: 0.5, kMax: .min) },
      { try Threshold(experts: .max, thresholds: [0]) },
      { try Threshold(experts: 1, thresholds: [.nan]) },
      { try Given(experts: 4, named: ["a": [4]]) },
      { try Given(experts: 4, named: ["a": [.max]]) },
      { try Given(experts: .max, named: ["a": [0]]) },
      { try Given(experts: 4, named: [:]) },
      { try Given(experts: 4, named: ["a b": [0]]) },
      { try Given(experts: 4, named: ["a": [0]], choice: "Task") },
      { try Given(experts: 4, named: ["a": [0]], otherwise: TopK(experts: 3)) },
    ]
    for make in wrong { #expect(refusal { _ = try make() }?.code == .routingRuleInvalid) }
  }

  private func refused(_ rule: String) throws -> MVMoEError? {
    let data = try StrictJSON.parse(Array(rule.utf8))
    return refusal { _ = try Rules.read(Fields(data, .root("$").member("stages").item(1).member("rule"))) }
  }
}
