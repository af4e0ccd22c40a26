/// The rule `threshold`: the experts whose logit is above their own threshold; the one of highest logit if none is.
///
/// "Top-any" gating of DynMoE (arXiv 2405.14297, section 3.1), over images instead of tokens. There the logistic function of a
/// similarity is compared with that of a learned number; it is monotone, so here the logits are compared. Each of the n
/// experts of a route has the gate 1 / n. With `kept` no other experts are selected.
struct Threshold: RouterRule {
  static let name = "threshold"

  /// Within what fp32 holds.
  static let largest = 3e38

  let experts: Int
  let kept: [Int]?
  private let thresholds: [Float]

  /// A rule with a logit for each expert, which is rounded to fp32 before it is compared.
  init(experts: Int, thresholds: [Double], kept: [Int]? = nil) throws {
    try requireExperts(experts)
    try requireRule(
      thresholds.count == experts && thresholds.allSatisfy { abs($0) <= Self.largest },
      "threshold was given \(thresholds.count) thresholds for \(experts) experts; give a finite logit for each expert")
    try requireKept(kept, of: experts, fewest: 1, name: Self.name)
    self.experts = experts
    self.kept = kept
    self.thresholds = thresholds.map(Float.init)
  }

  var name: String { Self.name }

  var routeLengths: ClosedRange<Int> { 1...usableCount }

  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection {
    try requireLogits(logits, experts: experts)
    let isAbove = { (expert: Int) in logits[expert] > thresholds[expert] }
    let above = kept?.filter(isAbove) ?? logits.indices.filter(isAbove)
    let route = Route(above.isEmpty ? [highest(logits)] : above)
    return Selection(route: route, gates: formula(route, logits))
  }

  /// The usable expert of highest logit, of equal ones the lowest.
  private func highest(_ logits: UnsafeBufferPointer<Float>) -> Int {
    var found = usable(at: 0)
    for place in 1..<usableCount {
      let expert = usable(at: place)
      if logits[expert] > logits[found] { found = expert }
    }
    return found
  }

  func formula(_ route: Route, _ logits: UnsafeBufferPointer<Float>) -> [Float] {
    Array(repeating: Float(1 / Double(route.count)), count: route.count)
  }

  /// An expert enters or leaves a route when its logit passes its threshold. A single expert that falls below its own stays
  /// on the route as long as its logit is the highest.
  func margin(_ logits: UnsafeBufferPointer<Float>) throws -> Double {
    let route = try select(logits).route
    var least = Double.infinity
    for expert in usable {
      let distance = 2 * (Double(logits[expert]) - Double(thresholds[expert]))
      let isAlone = route.experts == [expert]
      least = min(least, isAlone ? max(distance, 0, lead(of: expert, logits)) : abs(distance))
    }
    return least
  }

  /// By how much an expert's logit is above those of all other usable ones; infinite where there are none.
  private func lead(of expert: Int, _ logits: UnsafeBufferPointer<Float>) -> Double {
    let others = usable.lazy.filter { $0 != expert }.map { logits[$0] }
    return Double(logits[expert]) - Double(others.max() ?? -.infinity)
  }

  func describe() -> String {
    "those of \(experts) experts\(onlyKept(kept)) above their thresholds, the best if none is"
  }
}

extension Threshold {
  static func read(_ fields: Fields) throws -> any Rule {
    try Threshold(
      experts: fields.int("experts", expertCounts),
      thresholds: fields.numbers("thresholds", .closed(-largest, largest), expertCounts),
      kept: readKept(fields))
  }
}
