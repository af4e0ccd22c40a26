import Testing

@testable import MVMoE

/// The figures of an engine that is right, and of engines that are not.
@Suite struct EngineCheckTests {
  private static let answer: [Float] = [1, 2, -4]
  private static let sure: [Float] = [0, 2, 1]

  /// Two images of one router: the first is sure of its expert, the second as good as undecided.
  private let golden: CheckCase

  init() throws {
    golden = try CheckCase(
      rules: [TopK(experts: 3)], logits: [[Self.sure, [1, 0.999_999, 0]]],
      outputs: [("logits", [Self.answer, Self.answer])])
  }

  private func scaled(_ factor: Float) -> [Float] { Self.answer.map { $0 * factor } }

  @Test func anEngineThatAnswersRightlyPasses() throws {
    let found = try golden.check()
    #expect(found.ok)
    #expect(found.images == 2)
    #expect(found.rerouted.isEmpty && found.nearTies.isEmpty)
    #expect(found.routerError == 0 && found.answerError == 0)
    #expect(found.outputs.map(\.agreement) == [1])
    try found.requireOk()
    #expect(
      "\(found)"
        == "the engine answers as the bundle's golden vectors: 0 of 2 images take another route, router logits "
        + "are off by 0 of the largest (bound 0.0001), outputs by 0 (bound 0.0001)")
  }

  @Test func oneThatIsOffByAHundredthIsRefusedWithTheFigures() async throws {
    let found = try golden.check(outputs: [("logits", [scaled(1.01), scaled(1)])])
    #expect(!found.ok)
    #expect(abs(found.answerError - 0.01) < 1e-6)
    let error = try #require(await failure(of: found.requireOk) as? CheckFailedError)
    #expect(error.code == .checkEngine)
    #expect(
      error.fields == [
        "rerouted": [], "router_error": 0.0, "router_error_bound": 1e-4, "answer_error": .number(found.answerError),
        "answer_error_bound": 1e-4, "disagreeing": [],
      ])
    #expect(error.message.contains("outputs by 0.01 (bound 0.0001); use another engine, or other options of it"))
  }

  @Test func anotherRouteIsAFaultAndWhatComesOfItIsNotCompared() throws {
    let found = try golden.check(
      logits: [[[3, 2, 1], golden.wantedLogits[0][1]]], outputs: [("logits", [scaled(-9), Self.answer])])
    #expect(found.rerouted == [0])
    #expect(found.routerError == 1.5)
    #expect(found.answerError == 0)
    #expect(!found.ok)
  }

  @Test func betweenTwoExpertsThatAreAsGoodAsEqualEitherRouteIsRight() throws {
    let found = try golden.check(logits: [[Self.sure, [1, 1.000_002, 0]]])
    #expect(found.nearTies == [1])
    #expect(found.ok)
  }

  @Test func logitsThatAreNotFiniteHaveNoRouteAndAreInfinitelyFarOff() throws {
    let found = try golden.check(logits: [[Self.sure, [1, .nan, 0]]], routes: [[[1]], []])
    #expect(found.rerouted == [1])
    #expect(found.routerError == .infinity)
    #expect(!found.ok)
  }

  @Test func aValueThatIsNotFiniteIsInfinitelyFarOffAndAgreesWithNothing() async throws {
    let found = try golden.check(outputs: [("logits", [Self.answer, [1, .infinity, -4]])])
    #expect(found.answerError == .infinity)
    #expect(found.outputs.map(\.agreement) == [0.5])
    let error = try #require(await failure(of: found.requireOk) as? CheckFailedError)
    #expect(error.fields["disagreeing"] == ["logits"])
    #expect(error.message.contains("the output logits has a top-1 agreement of 0.5 (at least 1.0)"))
  }

  @Test func goldenVectorsThatAreNotFinitePassNobody() throws {
    let broken = try CheckCase(
      rules: golden.rules, logits: golden.wantedLogits, outputs: [("logits", [[.nan, 0, 0], Self.answer])])
    #expect(try !broken.check().ok)
    let unrouted = try CheckCase(
      rules: golden.rules, logits: [[[.nan, 0, 0], golden.wantedLogits[0][1]]], outputs: golden.wantedOutputs,
      routes: [[[0], [1]]])
    let found = try unrouted.check(routes: [[[1]], [[1]]])
    #expect(found.rerouted == [0])
    #expect(!found.ok)
  }

  @Test func ifNoImageTakesItsRouteThereAreNoOutputsToCompare() throws {
    let found = try golden.check(logits: [[[0, 0, 9], [0, 0, 9]]])
    #expect(found.rerouted == [0])
    #expect(found.nearTies == [1])
    #expect(found.outputs.isEmpty)
    #expect(found.answerError == 0)
  }

  @Test func aKindThatDecidesNothingHasAnErrorAlone() throws {
    let outputs = [(kind: "tensor", images: [Self.answer, Self.answer])]
    let found = try CheckCase(rules: golden.rules, logits: golden.wantedLogits, outputs: outputs).check()
    let output = try #require(found.outputs.first)
    #expect(output.agreement == nil && output.measure == nil)
    #expect(output.agrees)
  }

  @Test func everyFigureHasToBeWithinItsBound() {
    #expect(check().ok)
    #expect(!check(rerouted: [1]).ok)
    #expect(!check(routerError: 2e-4).ok)
    #expect(!check(answerError: 2e-4).ok)
    #expect(!check(answerError: .nan).ok)
    #expect(!check(agreement: 0.5).ok)
    #expect(check(nearTies: [1]).ok)
  }

  @Test func figuresAreThoseOfThePythonLibrary() throws {
    let file = "kotlin/mvmoe-core/src/test/resources/outputs/checks.json"
    let all = try cases(in: RepositoryFiles.root.appendingPathComponent(file))["checks"].items()
    #expect(all.count >= 100)
    for (number, data) in all.enumerated() { try expectSame(data, try CheckCase(data).checkAnswered(), number) }
  }

  private func expectSame(_ data: JSONValue, _ found: EngineCheck, _ number: Int) throws {
    #expect(try data["rerouted"].ints() == found.rerouted, "\(number)")
    #expect(try data["near_ties"].ints() == found.nearTies, "\(number)")
    expectNear(try data["router_error"].double(), found.routerError, number)
    expectNear(try data["answer_error"].double(), found.answerError, number)
    #expect(try data["router_error_bound"].double() == found.routerErrorBound, "\(number)")
    #expect(try data["answer_error_bound"].double() == found.answerErrorBound, "\(number)")
    #expect(try data["checked"].members().map(\.key).sorted() == found.outputs.map(\.name).sorted(), "\(number)")
    for output in found.outputs { try expectSame(try data["checked"][output.name].items(), output, number) }
    #expect(try data["ok"].boolean() == found.ok, "\(number)")
  }

  private func expectSame(_ wanted: [JSONValue], _ found: CheckedOutput, _ number: Int) throws {
    expectNear(try wanted[0].double(), found.error, number)
    expectNear(try wanted[1].doubleOrNil() ?? 1, found.agreement ?? 1, number)
    #expect(wanted[1].isNull == (found.agreement == nil), "\(number)")
    #expect(try wanted[2].doubleOrNil() == found.leastAgreement, "\(number)")
    #expect(try wanted[3].boolean() == found.agrees, "\(number)")
  }

  /// Sums of a few doubles, in another order; and the least peak, which Python rounds to fp32.
  private func expectNear(_ wanted: Double, _ found: Double, _ number: Int) {
    #expect(wanted == found || abs(wanted - found) <= 1e-7 * abs(wanted) + 1e-14, "\(number)")
  }

  private func check(
    rerouted: [Int] = [], nearTies: [Int] = [], routerError: Double = 1e-4, answerError: Double = 1e-4,
    agreement: Double = 0.9
  ) -> EngineCheck {
    let output = CheckedOutput(
      name: "mask", kind: "mask", measure: "share", agreement: agreement, leastAgreement: 0.9, error: answerError)
    return EngineCheck(
      images: 3, rerouted: rerouted, nearTies: nearTies, routerError: routerError, routerErrorBound: 1e-4,
      answerError: answerError, answerErrorBound: 1e-4, outputs: [output])
  }
}
