/// The rule `top_p`: experts by descending score, ties to the lowest, until their sum exceeds `p` or there are `kMax`.
///
/// Dynamic routing of "Harder Tasks Need More Experts" (arXiv 2403.07652, section 3.2), over images instead of tokens and with
/// a limit. The scores of the route are its gates, with `renormalize` divided by their sum. With `kept` no other experts are
/// selected; scores are those of all.
struct TopP: RouterRule {
  static let name = "top_p"

  /// More than the fp32 scores of a route, and their sum, are off by, relative to it.
  private static let rounding = 1.0 / Double(1 << 22)

  let experts: Int
  let kept: [Int]?
  let routeLengths: ClosedRange<Int>
  private let p: Double
  private let renormalize: Bool

  init(experts: Int, p: Double, kMax: Int, renormalize: Bool = false, kept: [Int]? = nil) throws {
    try requireExperts(experts)
    try requireRule(
      p >= 0 && p < 1 && kMax >= 1 && kMax <= experts,
      "top_p with p = \(p) and k_max = \(kMax) cannot select from \(experts) experts; give 0 <= p < 1 and "
        + "1 <= k_max <= experts")
    try requireKept(kept, of: experts, fewest: 1, name: Self.name)
    self.experts = experts
    self.kept = kept
    self.routeLengths = 1...Self.longest(experts, p, kMax, kept)
    self.p = p
    self.renormalize = renormalize
  }

  /// The best m of all E experts have a share of m / E or more, so few are enough for any p; of kept ones nothing is known.
  private static func longest(_ experts: Int, _ p: Double, _ kMax: Int, _ kept: [Int]?) -> Int {
    if let kept { return min(kMax, kept.count) }
    return min(kMax, experts, Int(p * Double(experts) * (1 + rounding)) + 1)
  }

  var name: String { Self.name }

  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection {
    try requireLogits(logits, experts: experts)
    return withScores(of: logits) { scores in
      var selected = bestExperts(scores, count: longest, among: kept)
      selected.removeLast(longest - length(selected, scores))
      selected.sort()
      let route = Route(selected)
      return Selection(route: route, gates: renormalize ? scoresWithin(route, logits) : scores.at(route))
    }
  }

  /// How many of the best experts a route has. The sum is of fp32 scores, best first, in double precision.
  private func length(_ ranked: [Int], _ scores: UnsafeBufferPointer<Float>) -> Int {
    var total = 0.0
    for (place, expert) in ranked.enumerated() {
      total += Double(scores[expert])
      if total > p { return place + 1 }
    }
    return ranked.count
  }

  func formula(_ route: Route, _ logits: UnsafeBufferPointer<Float>) -> [Float] {
    renormalize ? scoresWithin(route, logits) : withScores(of: logits) { $0.at(route) }
  }

  /// Changing every logit by half of t or less changes the log-odds of a sum of scores by t or less. So besides the order of
  /// its last expert and the next one a route depends on the distance of two log-odds from those of p: those of its sum, and
  /// those of its sum without its last expert.
  func margin(_ logits: UnsafeBufferPointer<Float>) throws -> Double {
    let length = try select(logits).route.count
    let ordered = logScoresInOrder(logits, kept: kept)
    let inOrder = orderMargin(lower: length < usableCount ? ordered[length] : -.infinity, upper: ordered[length - 1])
    // A route that has reached the limit stays whatever its sum, and one expert is always taken.
    let reached =
      length == longest ? inOrder : logOddsOfFirst(length, of: ordered) - logOdds(p * (1 + Self.rounding))
    let missed = length == 1 ? inOrder : logOdds(p * (1 - Self.rounding)) - logOddsOfFirst(length - 1, of: ordered)
    // No number where p and the sum are both as good as 1: nothing can be promised there.
    return [inOrder, reached, missed].allSatisfy { $0 > 0 } ? min(inOrder, reached, missed) : 0
  }

  func describe() -> String {
    "top p = \(p) of \(experts) experts\(onlyKept(kept)), at most \(longest)" + (renormalize ? ", renormalized" : "")
  }
}

extension TopP {
  static func read(_ fields: Fields) throws -> any Rule {
    try TopP(
      experts: fields.int("experts", expertCounts), p: fields.number("p", .below(0, 1)),
      kMax: fields.int("k_max", expertCounts), renormalize: fields.boolean("renormalize", default: false),
      kept: readKept(fields))
  }
}
