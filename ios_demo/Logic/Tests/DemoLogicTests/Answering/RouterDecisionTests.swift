import Foundation
import MVMoE
import Testing

@testable import DemoLogic

/// A rule of that name with a margin; the library's own come from manifests.
private struct Named: Rule {
  let name: String
  let experts: Int
  var marginOfAll = 1.5

  let longest = 1
  let lengths = [1]
  var usable: [Int] { Array(0..<experts) }
  var routeCount: String { String(experts) }

  func routes() -> AnySequence<Route> { AnySequence([]) }

  func routes(ofLength length: Int) -> AnySequence<Route> { AnySequence([]) }

  func contains(_ route: Route) -> Bool { true }

  func gates(of route: Route, logits: UnsafeBufferPointer<Float>) throws -> [Float] { route.map { _ in 1 } }

  func margin(_ logits: UnsafeBufferPointer<Float>) throws -> Double { marginOfAll }

  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection { throw CancellationError() }

  func describe() -> String { "the rule" }
}

@Suite struct RouterDecisionTests {
  @Test func scoresAreTheSoftmaxAndTheRouteIsMarked() {
    let decision = RouterDecision(
      stage: "step1", rule: Named(name: "top_k", experts: 3), route: [1], logits: [0, 2, 1])
    #expect(abs(decision.experts.reduce(0) { $0 + $1.score } - 1) < 1e-12)
    #expect(abs(decision.experts[1].score - exp(2) / (1 + exp(2) + exp(1))) < 1e-12)
    #expect(decision.experts.map(\.isChosen) == [false, true, false])
    #expect(decision.margin == 1.5)
  }

  @Test func largeLogitsDoNotOverflow() {
    let decision = RouterDecision(
      stage: "step1", rule: Named(name: "top_p", experts: 2), route: [0], logits: [1e30, -1e30])
    #expect(decision.experts.map(\.score) == [1, 0])
  }

  @Test func withThresholdsEachExpertStandsByItself() {
    let decision = RouterDecision(
      stage: "step1", rule: Named(name: "threshold", experts: 2), route: [0, 1], logits: [0, 0])
    #expect(decision.experts.map(\.score) == [0.5, 0.5])
  }

  @Test func aRouteThatNothingChangesHasNoMarginOneThatTheCallerChoseNoScores() {
    let fixed = Named(name: "top_k", experts: 1, marginOfAll: .infinity)
    #expect(RouterDecision(stage: "step1", rule: fixed, route: [0], logits: [3]).margin == nil)
    let given = RouterDecision(stage: "step1", rule: Named(name: "given", experts: 2), route: [1], logits: [])
    #expect(given.experts.isEmpty && given.margin == nil)
  }

  @Test func ofManyExpertsThoseOfTheRouteAndTheBestAreShownInTheirOrder() {
    let logits = (0..<64).map { Float($0) / 8 }
    let decision = RouterDecision(stage: "step1", rule: Named(name: "top_k", experts: 64), route: [5], logits: logits)
    #expect(decision.shown(4).map(\.expert) == [5, 61, 62, 63])
    #expect(decision.shown(100).count == 64)
  }
}
