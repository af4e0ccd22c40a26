import Foundation

// The arithmetic that rules share (`docs/bundle.md`, *Routing*): double precision, sums that start at 0 and add one expert
// after the other in ascending order, without compensation, and what comes out rounded to fp32. So every language comes to
// the same fp32 numbers, whatever its `exp` does in the last bit of a double.

/// Step 2 of *Routing*: gives `body` the scores `[E]` of the logits of one image, which ``requireLogits(_:experts:)`` has
/// seen.
///
/// They live as long as the call and, of up to 128 experts, on the stack: a route is selected between two graphs.
@inline(__always)
func withScores<Result>(
  of logits: UnsafeBufferPointer<Float>, _ body: (UnsafeBufferPointer<Float>) throws -> Result
) rethrows -> Result {
  try withUnsafeTemporaryAllocation(of: Float.self, capacity: logits.count) { scores in
    softmax(count: logits.count, into: scores) { logits[$0] }
    return try body(UnsafeBufferPointer(scores))
  }
}

/// Scores of a route's experts alone, in its order: the softmax of their own logits.
///
/// It is their scores divided by the sum of these, without a gap: the scores of an imposed route may all underflow to 0.
func scoresWithin(_ route: Route, _ logits: UnsafeBufferPointer<Float>) -> [Float] {
  Array(unsafeUninitializedCapacity: route.count) { scores, count in
    softmax(count: route.count, into: scores) { logits[route.experts[$0]] }
    count = route.count
  }
}

/// The softmax of some logits; all of `scores` up to `count` is written.
@inline(__always)
private func softmax(count: Int, into scores: UnsafeMutableBufferPointer<Float>, logit: (Int) -> Float) {
  withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { weights in
    var top = -Float.infinity
    for place in 0..<count { top = max(top, logit(place)) }
    var total = 0.0
    for place in 0..<count {
      let weight = exp(Double(logit(place)) - Double(top))
      weights.initializeElement(at: place, to: weight)
      total += weight
    }
    for place in 0..<count { scores.initializeElement(at: place, to: Float(weights[place] / total)) }
  }
}

extension UnsafeBufferPointer<Float> {
  /// The scores of a route's experts, in its order.
  func at(_ route: Route) -> [Float] { route.experts.map { self[$0] } }
}
