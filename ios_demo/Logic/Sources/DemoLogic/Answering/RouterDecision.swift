import Foundation
import MVMoE

/// What a router's logits were for one image, and what became of them.
public struct RouterDecision: Sendable {
  /// The rule that looks at each expert by itself; others compare them.
  private static let threshold = "threshold"

  /// The routed stage's name.
  public let stage: String

  /// The rule in words: `top 1 of 4 experts`.
  public let rule: String

  /// The experts that the image took.
  public let route: Route

  /// Each expert's score; empty where the caller has chosen the route.
  public let experts: [ExpertScore]

  /// The route stays the same as long as every logit changes by less than half of it; nil where nothing changes it.
  public let margin: Double?

  /// - Parameter logits: the router's `[E]`; empty for a stage without a router.
  init(stage: String, rule: any Rule, route: Route, logits: [Float]) {
    self.stage = stage
    self.rule = rule.describe()
    self.route = route
    let scores = rule.name == Self.threshold ? logits.map(Self.logistic) : Self.softmax(logits)
    experts = logits.indices.map {
      ExpertScore(expert: $0, score: scores[$0], logit: logits[$0], isChosen: route.contains($0))
    }
    let margin = logits.isEmpty ? nil : try? rule.margin(logits)
    self.margin = margin.flatMap { $0.isFinite ? $0 : nil }
  }

  /// The experts in their order, but no more than `most`: those of the route, then those of the highest scores.
  func shown(_ most: Int) -> [ExpertScore] {
    let ranked = experts.sorted { one, other in
      if one.isChosen != other.isChosen { return one.isChosen }
      return one.score > other.score || (one.score == other.score && one.expert < other.expert)
    }
    return ranked.prefix(most).sorted { $0.expert < $1.expert }
  }

  private static func softmax(_ logits: [Float]) -> [Double] {
    let highest = Double(logits.max() ?? 0)
    let powers = logits.map { exp(Double($0) - highest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  private static func logistic(_ logit: Float) -> Double { 1 / (1 + exp(-Double(logit))) }
}

/// How much a router wants an expert.
public struct ExpertScore: Sendable, Hashable {
  /// Its number.
  public let expert: Int

  /// From 0 to 1: the share of the softmax, or with thresholds the logistic function.
  public let score: Double

  /// As the router gave it.
  public let logit: Float

  /// Whether the image took it.
  public let isChosen: Bool
}
