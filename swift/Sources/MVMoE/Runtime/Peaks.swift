/// The largest absolute value of each part of a reference: parts have nothing in common but that they are of one tensor.
struct Peaks {
  /// The least that an error is relative to.
  private static let smallest = 1e-3

  private var peaks: [Double]

  init(parts: Int = 1) { peaks = Array(repeating: Self.smallest, count: parts) }

  var parts: Range<Int> { peaks.indices }

  subscript(part: Int) -> Double { peaks[part] }

  /// Counts a value of the reference.
  mutating func see(_ wanted: Float, part: Int = 0) { peaks[part] = larger(peaks[part], abs(Double(wanted))) }
}

/// The larger of two numbers; not a number where one is none.
func larger(_ one: Double, _ other: Double) -> Double { one.isNaN || other.isNaN ? .nan : max(one, other) }
