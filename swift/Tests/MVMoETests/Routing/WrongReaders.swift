import Foundation

@testable import MVMoE

/// Readers of *Routing* that are wrong in one thing each, as ports tend to be.
enum WrongReaders {
  static let all: [any RoutingReader.Type] = [
    TiesToTheHighest.self, LogitsDecide.self, GatesNotRounded.self, AllInFP32.self, NotShifted.self,
    SummedBackwards.self, SummedPairwise.self, SummedWithoutError.self, NeverRenormalized.self,
    AlwaysRenormalized.self, ScoresInsteadOfOnes.self, ScoresDividedByTheirSum.self, RouteByScore.self,
    NotFiniteIsLowest.self, OnlyNaNIsRefused.self, OneExpertMoreOfTopP.self, ReachedIsExceeded.self, NoLimit.self,
    SumInFP32.self, ThresholdReached.self, ThresholdsInDouble.self, NearestToItsThreshold.self,
    FirstIfNoneIsAbove.self, ThresholdsOnProbabilities.self, GatesOfThresholdAreScores.self, AnyRouteIsImposed.self,
    ShorterRoutesOfTopK.self, AnyRule.self, AnyGivenRule.self, ChoicesAreIgnored.self,
    ChosenRoutesHaveGatesOfOne.self, WhatIsNotChosenIsTheFirst.self, UnknownNamesAreLeftToTheRouter.self,
    AnyChoiceIsTheRules.self, GoldenImagesGoByTheTable.self, TheRouterHasNoTurn.self,
    ChosenRoutesNeedNoLogits.self, MoreLogitsAreCutOff.self, SelectsWhatIsNotKept.self, ScoresOfKeptAlone.self,
    SelectsThenDrops.self, TheBestIfNoneOfTheKeptIsAbove.self, NoMoreThanPOfAllNeeds.self, WhatIsNotKeptIsImposed.self,
    NamedRoutesAreKeptOnes.self, AllMayBeKept.self,
  ]

  final class TiesToTheHighest: PageReader {
    override func ranked(_ rule: PageRule, _ logits: [Float]) -> [Int] {
      let last = logits.count - 1
      return falling(scores(logits).reversed()).map { last - $0 }.filter(usable(rule).contains)
    }
  }

  final class LogitsDecide: PageReader {
    override func ranked(_ rule: PageRule, _ logits: [Float]) -> [Int] {
      falling(logits.map(Double.init)).filter(usable(rule).contains)
    }
  }

  final class GatesNotRounded: PageReader {
    override func scores(_ logits: [Float]) -> [Double] {
      let weights = weights(logits)
      let total = total(weights)
      return weights.map { $0 / total }
    }
  }

  final class AllInFP32: PageReader {
    override func scores(_ logits: [Float]) -> [Double] {
      let top = logits.max() ?? 0
      let weights = logits.map { exp($0 - top) }
      let total = weights.reduce(0, +)
      return weights.map { Double($0 / total) }
    }
  }

  final class NotShifted: PageReader {
    override func weights(_ logits: [Float]) -> [Double] { logits.map { exp(Double($0)) } }
  }

  final class SummedBackwards: PageReader {
    override func total(_ weights: [Double]) -> Double { super.total(weights.reversed()) }
  }

  final class SummedPairwise: PageReader {
    override func total(_ weights: [Double]) -> Double {
      if weights.count < 3 { return weights.reduce(0, +) }
      let middle = weights.count / 2
      return total(Array(weights[..<middle])) + total(Array(weights[middle...]))
    }
  }

  final class SummedWithoutError: PageReader {
    /// Keeps what each addition loses, as parts that do not overlap, and adds them up at the end.
    override func total(_ weights: [Double]) -> Double {
      var parts: [Double] = []
      for weight in weights {
        var high = weight
        parts = parts.compactMap { part in
          let (large, small) = abs(high) < abs(part) ? (part, high) : (high, part)
          high = large + small
          let lost = small - (high - large)
          return lost == 0 ? nil : lost
        }
        parts.append(high)
      }
      return parts.reduce(0, +)
    }
  }

  final class NeverRenormalized: PageReader {
    override func renormalized(_ route: [Int], _ logits: [Float]) -> [Double] { plain(route, logits) }
  }

  final class AlwaysRenormalized: PageReader {
    override func gates(_ rule: PageRule, of route: [Int], _ logits: [Float]) -> [Double] {
      let isOther = rule.isGiven || rule.unitGates || rule.type == "threshold"
      return isOther ? super.gates(rule, of: route, logits) : renormalized(route, logits)
    }
  }

  final class ScoresInsteadOfOnes: PageReader {
    override func gates(_ rule: PageRule, of route: [Int], _ logits: [Float]) -> [Double] {
      rule.unitGates ? plain(route, logits) : super.gates(rule, of: route, logits)
    }
  }

  /// Loses an imposed route whose scores underflow, and rounds twice.
  final class ScoresDividedByTheirSum: PageReader {
    override func renormalized(_ route: [Int], _ logits: [Float]) -> [Double] {
      let gates = plain(route, logits)
      let sum = gates.reduce(0, +)
      return gates.map { Double(Float($0 / sum)) }
    }
  }

  final class RouteByScore: PageReader {
    override func inOrder(_ route: [Int]) -> [Int] { route }
  }

  final class NotFiniteIsLowest: PageReader {
    override func routed(_ rule: PageRule, _ logits: [Float]) throws -> RoutingAnswer {
      try super.routed(rule, logits.map { $0.isFinite ? $0 : -3e38 })
    }
  }

  final class OnlyNaNIsRefused: PageReader {
    override func routed(_ rule: PageRule, _ logits: [Float]) throws -> RoutingAnswer {
      try super.routed(rule, logits.map { $0.isNaN ? $0 : min(max($0, -3e38), 3e38) })
    }
  }

  final class SelectsWhatIsNotKept: PageReader {
    override func usable(_ rule: PageRule) -> [Int] { Array(0..<rule.experts) }
  }

  /// What is not kept has no part in the sum of scores.
  final class ScoresOfKeptAlone: PageReader {
    override func routed(_ rule: PageRule, _ logits: [Float]) throws -> RoutingAnswer {
      try requireLogits(rule, logits)
      return try super.routed(rule, logits.indices.map { rule.usable.contains($0) ? logits[$0] : -3e38 })
    }
  }

  /// Of the best k experts those that are kept, and of those above their thresholds; the best of all if there is none.
  final class SelectsThenDrops: PageReader {
    override func usable(_ rule: PageRule) -> [Int] { Array(0..<rule.experts) }

    override func routed(_ rule: PageRule, _ logits: [Float]) throws -> RoutingAnswer {
      try requireLogits(rule, logits)
      let route = inOrder(experts(rule, logits)).filter(rule.usable.contains)
      return RoutingAnswer(route: route, gates: gates(rule, of: route, logits))
    }
  }

  final class TheBestIfNoneOfTheKeptIsAbove: PageReader {
    override func fallback(_ rule: PageRule, _ logits: [Float]) -> Int { falling(logits.map(Double.init))[0] }
  }

  /// The limit of a rule that keeps all experts, which another sum may pass.
  final class NoMoreThanPOfAllNeeds: PageReader {
    override func limit(_ rule: PageRule) -> Int { min(rule.kMax, Int(rule.p * Double(rule.experts)) + 1) }
  }

  final class WhatIsNotKeptIsImposed: PageReader {
    override func requireRoute(_ rule: PageRule, _ route: [Int]) throws {
      let lengths = (rule.type == "top_k" ? rule.k : 1)...max(rule.longest, rule.kMax)
      if rule.kept != nil && lengths.contains(route.count) && areSome(route, of: rule.experts) { return }
      try super.requireRoute(rule, route)
    }
  }

  /// What the router cannot select nobody can choose.
  final class NamedRoutesAreKeptOnes: PageReader {
    override func named(_ rule: PageRule, _ name: String, _ logits: [Float]) throws -> RoutingAnswer {
      let found = try super.named(rule, name, logits)
      let kept = (rule.otherwise ?? rule).usable
      return RoutingAnswer(route: found.route.filter(kept.contains), gates: found.gates)
    }
  }

  /// Takes a list of all experts for nil.
  final class AllMayBeKept: PageReader {
    override func requireRule(_ rule: PageRule) throws {
      if rule.experts < 1 || rule.kept != Array(0..<rule.experts) { try super.requireRule(rule) }
    }
  }

  final class OneExpertMoreOfTopP: PageReader {
    override func topP(_ rule: PageRule, _ logits: [Float]) -> [Int] {
      Array(ranked(rule, logits).prefix(min(limit(rule), super.topP(rule, logits).count + 1)))
    }
  }

  final class ReachedIsExceeded: PageReader {
    override func isEnough(_ sum: Double, _ p: Double) -> Bool { sum >= p }
  }

  final class NoLimit: PageReader {
    override func limit(_ rule: PageRule) -> Int { rule.experts }
  }

  final class SumInFP32: PageReader {
    override func add(_ sum: Double, _ score: Double) -> Double { Double(Float(sum) + Float(score)) }
  }

  final class ThresholdReached: PageReader {
    override func isAbove(_ logit: Float, _ threshold: Double) -> Bool { logit >= Float(threshold) }
  }

  final class ThresholdsInDouble: PageReader {
    override func isAbove(_ logit: Float, _ threshold: Double) -> Bool { Double(logit) > threshold }
  }

  final class NearestToItsThreshold: PageReader {
    override func fallback(_ rule: PageRule, _ logits: [Float]) -> Int {
      highest(of: usable(rule), zip(logits, rule.thresholds).map { Double($0 - Float($1)) })
    }
  }

  final class FirstIfNoneIsAbove: PageReader {
    override func fallback(_ rule: PageRule, _ logits: [Float]) -> Int { usable(rule)[0] }
  }

  /// The logistic function in fp32 makes large logits equal.
  final class ThresholdsOnProbabilities: PageReader {
    override func isAbove(_ logit: Float, _ threshold: Double) -> Bool {
      logistic(logit) > logistic(Float(threshold))
    }

    private func logistic(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
  }

  final class GatesOfThresholdAreScores: PageReader {
    override func gatesOfThreshold(_ route: [Int], _ logits: [Float]) -> [Double] { plain(route, logits) }
  }

  final class AnyRouteIsImposed: PageReader {
    override func requireRoute(_ rule: PageRule, _ route: [Int]) {}

    override func gates(_ rule: PageRule, of route: [Int], _ logits: [Float]) -> [Double] {
      let inside = route.map { (($0 % rule.experts) + rule.experts) % rule.experts }
      return super.gates(rule, of: inside.isEmpty ? [0] : inside, logits)
    }
  }

  final class ShorterRoutesOfTopK: PageReader {
    override func requireRoute(_ rule: PageRule, _ route: [Int]) throws {
      let isInside = areSome(route, of: rule.experts) && route.allSatisfy(rule.usable.contains)
      if rule.type == "top_k" && isInside && route.count <= rule.k { return }
      try super.requireRoute(rule, route)
    }
  }

  final class AnyRule: PageReader {
    override func requireRule(_ rule: PageRule) throws {
      if rule.experts < 1 || rule.isGiven { try super.requireRule(rule) }
    }

    // It must come to an answer for rules that have none.
    override func gates(_ rule: PageRule, of route: [Int], _ logits: [Float]) -> [Double] {
      logits.isEmpty || route.allSatisfy(logits.indices.contains) ? super.gates(rule, of: route, logits) : []
    }
  }

  final class AnyGivenRule: PageReader {
    override func requireRule(_ rule: PageRule) throws {
      if !rule.isGiven { try super.requireRule(rule) }
    }

    // It must come to an answer for rules that have none.
    override func gates(_ rule: PageRule, of route: [Int], _ logits: [Float]) -> [Double] {
      logits.isEmpty || route.allSatisfy(logits.indices.contains) ? super.gates(rule, of: route, logits) : []
    }
  }

  final class ChoicesAreIgnored: PageReader {
    override func chosen(_ rule: PageRule, _ choices: [String: String]) throws -> String? {
      let name = try super.chosen(rule, choices)
      return rule.otherwise == nil ? name : nil
    }
  }

  final class ChosenRoutesHaveGatesOfOne: PageReader {
    override func named(_ rule: PageRule, _ name: String, _ logits: [Float]) throws -> RoutingAnswer {
      let found = try super.named(rule, name, logits)
      return RoutingAnswer(route: found.route, gates: found.gates.map { _ in 1 })
    }
  }

  final class WhatIsNotChosenIsTheFirst: PageReader {
    override func chosen(_ rule: PageRule, _ choices: [String: String]) throws -> String? {
      try super.chosen(rule, choices) ?? rule.routes.map(\.name).min()
    }
  }

  final class UnknownNamesAreLeftToTheRouter: PageReader {
    override func chosen(_ rule: PageRule, _ choices: [String: String]) throws -> String? {
      try super.chosen(rule, choices.filter { rule.route($0.value) != nil })
    }
  }

  final class AnyChoiceIsTheRules: PageReader {
    override func chosen(_ rule: PageRule, _ choices: [String: String]) throws -> String? {
      try super.chosen(rule, Dictionary(choices.map { (rule.choice, $0.value) }) { first, _ in first })
    }
  }

  final class GoldenImagesGoByTheTable: PageReader {
    override func turns(_ rule: PageRule) -> [String?] {
      let names: [String?] = rule.routes.map(\.name)
      return rule.otherwise == nil ? names : names + [nil]
    }
  }

  final class TheRouterHasNoTurn: PageReader {
    override func turns(_ rule: PageRule) -> [String?] { rule.routes.map(\.name).sorted() }
  }

  final class ChosenRoutesNeedNoLogits: PageReader {
    override func named(_ rule: PageRule, _ name: String, _ logits: [Float]) throws -> RoutingAnswer {
      try super.named(rule, name, logits.map { $0.isFinite ? $0 : 0 })
    }
  }

  /// The rules of the library, of a caller who hands over the whole buffer of a batch.
  struct MoreLogitsAreCutOff: RoutingReader {
    private let rules = RuleReader()

    func select(_ rule: JSONValue, _ logits: [Float]) throws -> RoutingAnswer {
      try rules.select(rule, Array(logits.prefix(PageRule(rule).experts)))
    }

    func choose(_ rule: JSONValue, _ choices: [String: String], _ logits: [Float]) throws -> RoutingAnswer {
      try rules.choose(rule, choices, logits)
    }

    func inTurn(_ rule: JSONValue, image: Int, _ logits: [Float]) throws -> RoutingAnswer {
      try rules.inTurn(rule, image: image, logits)
    }

    func gates(_ rule: JSONValue, of route: [Int], _ logits: [Float]) throws -> [Double] {
      try rules.gates(rule, of: route, logits)
    }
  }
}
