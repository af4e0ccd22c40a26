/// The `count` experts with the highest scores, best first; of equal ones the lowest goes first. Those that are not in `kept` are
/// passed over; nil keeps all.
///
/// In O(E log k) comparisons: k is a few of many experts, so that hardly one in a few finds a place among the best.
///
/// - Precondition: there are as many scores.
func bestExperts(_ scores: UnsafeBufferPointer<Float>, count: Int, among kept: [Int]? = nil) -> [Int] {
  Array(unsafeUninitializedCapacity: count) { ranked, size in
    for index in 0..<(kept?.count ?? scores.count) {
      let expert = kept?[index] ?? index
      let score = scores[expert]
      if size == count && score <= scores[ranked[size - 1]] { continue }
      let place = placeOf(score, scores, ranked, size)
      if size < count { size += 1 }
      for behind in stride(from: size - 1, to: place, by: -1) { ranked[behind] = ranked[behind - 1] }
      ranked[place] = expert
    }
  }
}

/// Where a score stands among those of the first `size` of `ranked`: behind all that are as high.
@inline(__always)
private func placeOf(
  _ score: Float, _ scores: UnsafeBufferPointer<Float>, _ ranked: UnsafeMutableBufferPointer<Int>, _ size: Int
) -> Int {
  var low = 0
  var high = size
  while low < high {
    let middle = (low + high) / 2
    if scores[ranked[middle]] >= score { low = middle + 1 } else { high = middle }
  }
  return low
}
