/// The rule `top_k`: the `k` experts with the highest scores, ties to the lowest.
///
/// Their scores are the gates (arXiv 2309.04354, section 3), with `renormalize` divided by their sum. With `unitGates` every
/// gate is 1: the experts are parts of one layer, which are added up (arXiv 2503.02495). With `kept` no others are selected;
/// scores are those of all.
struct TopK: RouterRule {
  static let name = "top_k"

  let experts: Int
  let kept: [Int]?
  private let k: Int
  private let renormalize: Bool
  private let unitGates: Bool

  init(experts: Int, k: Int = 1, renormalize: Bool = false, unitGates: Bool = false, kept: [Int]? = nil) throws {
    try requireExperts(experts)
    try requireRule(
      k >= 1 && k <= experts,
      "top_k with k = \(k) cannot select from \(experts) experts; give 1 <= k <= experts")
    try requireRule(
      !(renormalize && unitGates),
      "top_k cannot have gates that are renormalized scores and gates of 1; give renormalize or unit_gates")
    try requireKept(kept, of: experts, fewest: k, name: Self.name)
    self.experts = experts
    self.kept = kept
    self.k = k
    self.renormalize = renormalize
    self.unitGates = unitGates
  }

  var name: String { Self.name }

  var routeLengths: ClosedRange<Int> { k...k }

  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection {
    try requireLogits(logits, experts: experts)
    return withScores(of: logits) { scores in
      // The scores decide, not the logits: two logits may differ and still have one fp32 score.
      var selected = bestExperts(scores, count: k, among: kept)
      selected.sort()
      let route = Route(selected)
      return Selection(route: route, gates: renormalize || unitGates ? formula(route, logits) : scores.at(route))
    }
  }

  func formula(_ route: Route, _ logits: UnsafeBufferPointer<Float>) -> [Float] {
    if unitGates { return Array(repeating: 1, count: route.count) }
    return renormalize ? scoresWithin(route, logits) : withScores(of: logits) { $0.at(route) }
  }

  func margin(_ logits: UnsafeBufferPointer<Float>) throws -> Double {
    try requireLogits(logits, experts: experts)
    if k == usableCount { return .infinity }
    let ordered = logScoresInOrder(logits, kept: kept)
    return orderMargin(lower: ordered[k], upper: ordered[k - 1])
  }

  func describe() -> String { "top \(k) of \(experts) experts\(onlyKept(kept))" + gatesInWords }

  private var gatesInWords: String {
    if renormalize { return ", renormalized" }
    return unitGates ? ", gates of 1" : ""
  }
}

extension TopK {
  static func read(_ fields: Fields) throws -> any Rule {
    try TopK(
      experts: fields.int("experts", expertCounts), k: fields.int("k", expertCounts, default: 1),
      renormalize: fields.boolean("renormalize", default: false),
      unitGates: fields.boolean("unit_gates", default: false), kept: readKept(fields))
  }
}
