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
    (#"{"type":"top_k","experts":4,"kept":[]}"#, .bundleManifestOutOfRange),
    (#"{"type":"top_k","experts":4,"kept":[4096]}"#, .bundleManifestOutOfRange),
    (#"{"type":"top_k","experts":4,"kept":1}"#, .bundleManifestWrongType),
  ])
  func aFieldBeyondItsRangeIsAFaultOfTheField(_ rule: String, _ code: ErrorCode) throws {
    #expect(try refused(rule)?.code == code)
  }

  @Test func expertsThatCannotBeKeptAreRefusedWithThoseThatWereGiven() throws {
    let error = try refused(#"{"type":"top_k","experts":4,"k":2,"kept":[2,0]}"#)
    #expect(error?.code == .routingRuleInvalid)
    #expect(
      error?.message
        == "$.stages[1].rule is no rule that images can follow: top_k keeps the experts [2, 0] of 4; give 2 "
        + "or more of them, fewer than 4, in ascending order")
  }

  @Test func aRuleSaysWhichExpertsItKeeps() throws {
    let topK = try TopK(experts: 8, k: 2, renormalize: true, kept: [0, 2, 5])
    #expect(topK.describe() == "top 2 of 8 experts, only 0, 2 and 5, renormalized")
    #expect(try TopK(experts: 8, kept: [7]).describe() == "top 1 of 8 experts, only 7")
    let topP = try TopP(experts: 8, p: 0.5, kMax: 8, kept: [0, 2, 5])
    #expect(topP.describe() == "top p = 0.5 of 8 experts, only 0, 2 and 5, at most 3")
    let threshold = try Threshold(experts: 10, thresholds: Array(repeating: 0, count: 10), kept: Array(0..<9))
    #expect(
      threshold.describe() == "those of 10 experts, only 9 of them above their thresholds, the best if none is")
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
      { try TopK(experts: 4, k: 2, kept: [3]) },
      { try TopK(experts: 4, kept: [.max]) },
      { try TopP(experts: 4, p: 0.5, kMax: 2, kept: [0, 1, 2, 3]) },
      { try Threshold(experts: 2, thresholds: [0, 0], kept: []) },
      { try Threshold(experts: 2, thresholds: [0, 0], kept: [2]) },
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
