/// The largest differences from a reference, part by part.
struct Differences {
  private let peaks: Peaks
  private var largest: [Double]

  init(from peaks: Peaks) {
    self.peaks = peaks
    largest = Array(repeating: 0, count: peaks.parts.count)
  }

  /// Counts a value that was found; infinitely far off where one is not finite.
  mutating func compare(_ found: Float, _ wanted: Float, part: Int = 0) {
    let difference = abs(Double(found) - Double(wanted))
    largest[part] = max(largest[part], difference.isFinite ? difference : .infinity)
  }

  /// The largest error of all parts, each relative to the part's largest reference value.
  var relative: Double { peaks.parts.reduce(0) { larger($0, largest[$1] / peaks[$1]) } }

  /// Up to which margin a part's values may decide otherwise: two of them can move towards each other.
  func limit(part: Int, bound: Double) -> Double {
    let (difference, allowed) = (largest[part], bound * peaks[part])
    return difference.isNaN || allowed.isNaN ? .nan : 2 * min(difference, allowed)
  }
}
