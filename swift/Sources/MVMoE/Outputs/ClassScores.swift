/// The scores of some classes within an array: that of class c is at `first + c * step`.
///
/// Nothing is copied: a mask has as many of them as it has places.
struct ClassScores {
  let values: [Float]
  let first: Int
  let step: Int
  let classes: Int

  subscript(index: Int) -> Double { Double(values[first + index * step]) }

  /// The class with the highest score, of equal ones the lowest.
  func best() -> Int {
    var best = 0
    for index in 0..<classes where self[index] > self[best] { best = index }
    return best
  }

  /// By how much the best class is above the second best; infinite where there is only one.
  func margin() -> Double {
    var best = -Double.infinity
    var second = -Double.infinity
    for index in 0..<classes {
      let score = self[index]
      if score > best {
        second = best
        best = score
      } else {
        second = max(second, score)
      }
    }
    return best - second
  }
}
