import Testing

@testable import MVMoE

@Suite struct GivenTests {
  private let named: [String: Route] = ["depth": [0, 1], "segment": [3], "depth2": [0, 1]]
  private let logits: [Float] = [0, 0, 2, 0]
  private let callers: Given
  private let routed: Given

  init() throws {
    callers = try Given(experts: 4, named: named, choice: "task")
    routed = try Given(experts: 4, named: named, choice: "task", otherwise: TopK(experts: 4))
  }

  @Test func whatMayBeChosenIsSaidWithItsNamesInOrder() throws {
    let power = try Given(experts: 2, named: ["low": [0]], choice: "power", otherwise: TopK(experts: 2))
    let rules: [any Rule] = [try TopK(experts: 4), callers, power, callers]
    let choices = Choices.of(rules)
    #expect(choices.map(\.choice) == ["task", "power"])
    #expect(choices.map(\.names) == [["depth", "depth2", "segment"], ["low"]])
    #expect(Choices.required(rules).map(\.choice) == ["task"])
  }

  @Test func aNameGivesItsRouteWithGatesOf1WhereThereIsNoRouter() throws {
    let found = try Choices.selectors([callers], choices: ["task": "depth"])[0].select([])
    #expect(found == Selection(route: [0, 1], gates: [1, 1]))
  }

  @Test func whatIsLeftOutIsLeftToTheRouter() throws {
    #expect(try Choices.selectors([routed], choices: [:])[0].select(logits).route == [2])
    #expect(refusal { _ = try Choices.selectors([callers], choices: [:]) }?.code == .routingChoiceMissing)
  }

  @Test func aWrongChoiceIsRefusedWithWhatWasExpected() throws {
    let unknown = try refused(callers, ["task": "sort\u{1b}"])
    #expect(unknown?.code == .routingChoiceUnknown)
    #expect(
      unknown?.fields == ["choice": "task", "given": "sort\u{1b}", "expected": ["depth", "depth2", "segment"]])
    #expect(unknown?.message.contains("\u{1b}") == false)
    let other = try refused(callers, ["task": "depth", "mode": "x", "a": "x"])
    #expect(other?.code == .routingNoSuchChoice)
    #expect(other?.fields == ["given": "a", "expected": ["task"]])
    #expect(other?.message == "the choice 'a' was given, which the model does not have; expected task")
    let none = try refused(TopK(experts: 4), ["task": "depth"])
    #expect(none?.code == .routingNoSuchChoice)
    #expect(none?.message.hasSuffix("; leave it out: its routers choose") == true)
  }

  @Test func aNameOfOtherCodePointsIsAnother() throws {
    let rule = try Given(experts: 2, named: ["K": [0]])
    #expect(try rule.chosen("K").select([]).route == [0])
    // The sign of the kelvin, which String holds to be the letter.
    #expect(try refused(rule, ["route": "\u{212A}"])?.code == .routingChoiceUnknown)
  }

  @Test func aLongOrHostileChoiceIsCutOff() throws {
    let long = "a" + String(repeating: "\u{301}", count: 100_000)
    for choices in [["task": long], [long: "depth"]] {
      let error = try refused(callers, choices)
      guard let error, case .text(let given)? = error.fields["given"] else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(given.unicodeScalars.count == 200)
      #expect(error.message.unicodeScalars.count < 400)
    }
  }

  @Test func stagesWithOneChoiceMustHaveTheSameNamesAndARouterInAllOrNone() throws {
    let other = try Given(experts: 4, named: named, choice: "other", otherwise: TopK(experts: 4))
    #expect(Choices.contradiction([callers, callers, try TopK(experts: 4), other]) == nil)
    #expect(Choices.contradiction([callers, routed]) == "task")
    let fewer = try Given(experts: 4, named: named.filter { $0.key != "depth" }, choice: "task")
    #expect(Choices.contradiction([callers, fewer]) == "task")
  }

  @Test func goldenImagesTakeTheNamesInOrderThenNoNameWhereThereIsARouter() throws {
    #expect(Choices.turns(of: callers) == ["depth", "depth2", "segment"])
    #expect(Choices.turns(of: routed) == ["depth", "depth2", "segment", nil])
    #expect(Choices.turns(of: try TopK(experts: 4)) == [nil])
    let routes = try (0...4).map { try Choices.selectorInTurn(routed, image: $0).select(logits).route }
    #expect(routes == [[0, 1], [0, 1], [3], [2], [0, 1]])
  }

  @Test func namedRoutesComeByTheOrderOfTheirNamesEachOnceBeforeTheRouters() throws {
    let rule = try Given(experts: 3, named: ["b": [0, 2], "a": [1], "c": [1]], otherwise: TopK(experts: 3))
    #expect(Array(rule.routes()) == [[1], [0, 2], [0], [2]])
    #expect(rule.routeCount == "4")
  }

  @Test func rulesAreSaidInWords() throws {
    #expect(callers.describe() == "one of 2 routes of 4 experts, as the caller's task says")
    #expect(routed.describe() == "top 1 of 4 experts, or as the caller's task says")
    #expect(try TopK(experts: 4, k: 2, unitGates: true).describe() == "top 2 of 4 experts, gates of 1")
    let topP = try TopP(experts: 8, p: 0.5, kMax: 2, renormalize: true)
    #expect(topP.describe() == "top p = 0.5 of 8 experts, at most 2, renormalized")
    let threshold = try Threshold(experts: 2, thresholds: [0, 0])
    #expect(threshold.describe() == "those of 2 experts above their thresholds, the best if none is")
  }

  private func refused(_ rule: any Rule, _ choices: [String: String]) throws -> MVMoEError? {
    refusal { _ = try Choices.selectors([rule], choices: choices) }
  }
}
