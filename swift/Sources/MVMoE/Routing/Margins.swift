import Foundation

/// Two roundings to fp32, relative to what is rounded, and as much again for the logarithms.
private let step = 1.0 / Double(1 << 22)

/// The logarithm of the smallest number of fp32 above 0.
private let smallest = -149 * log(2.0)

/// The logarithms `[E]` of the scores of finite logits, in double precision: of experts in `kept` first, descending, then of the
/// others; nil keeps all.
func logScoresInOrder(_ logits: UnsafeBufferPointer<Float>, kept: [Int]? = nil) -> [Double] {
  var ordered = logits.map(Double.init)
  ordered.sort(by: >)
  guard let top = ordered.first else { return [] }
  let total = log(ordered.reduce(0) { $0 + exp($1 - top) })
  if let kept {
    let others = logits.indices.filter { !isKept($0, kept) }
    ordered = kept.map { Double(logits[$0]) }.sorted(by: >) + others.map { Double(logits[$0]) }
  }
  for place in ordered.indices { ordered[place] = ordered[place] - top - total }
  return ordered
}

/// By how much logits keep the order of two scores, of which the logarithms are given; `lower` is minus infinity where there
/// is nothing below.
///
/// It is the difference of the logits, less what fp32 scores cannot show: scores closer than a step of fp32 are equal, and so
/// are all that underflow.
///
/// Let every logit change by half of t or less. Then the larger score, a, stays above a exp(-t), the smaller, b, below
/// b exp(t), and the ratio a / b above (a / b) exp(-t). So their difference stays above 2^-23 a for t < ln(a / b) - 2^-22, and
/// above 2^-149, the step of fp32 where scores underflow, for t < ln(a / (b + 2^-149)).
func orderMargin(lower: Double, upper: Double) -> Double {
  if lower == -.infinity { return .infinity }
  let steps = upper - lower - step
  let visible = upper - logOfSum(lower, smallest)
  return max(min(steps, visible), 0)
}

/// `ln(share / (1 - share))`, infinite at 0 and 1.
func logOdds(_ share: Double) -> Double {
  if share <= 0 { return -.infinity }
  if share >= 1 { return .infinity }
  return log(share) - log1p(-share)
}

/// The log-odds of the sum of the first `count` of some scores, by their logarithms.
///
/// Both sums are taken by themselves: one minus the other would cancel.
func logOddsOfFirst(_ count: Int, of ordered: [Double]) -> Double {
  let first = ordered[..<count].reduce(0) { $0 + exp($1) }
  let rest = ordered[count...].reduce(0) { $0 + exp($1) }
  return log(first) - log(rest)
}

/// `ln(exp(a) + exp(b))`.
private func logOfSum(_ a: Double, _ b: Double) -> Double { max(a, b) + log1p(exp(-abs(a - b))) }
