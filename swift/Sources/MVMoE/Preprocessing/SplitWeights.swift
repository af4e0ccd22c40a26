/// Weights of 23 bits, each as `high * 2^12 + low`.
///
/// Both parts have 16 bits: processors multiply eight of these at once, and four of 32 bits at best. A sum of products is the
/// same number either way, modulo 2^32 throughout.
struct SplitWeights: Sendable {
  /// Bits of the lower part.
  static let shift: Int32 = 12

  private(set) var low: [Int16]
  private(set) var high: [Int16]

  init(_ weights: [Int32]) {
    low = weights.map { Int16(truncatingIfNeeded: $0 & ((1 << Self.shift) - 1)) }
    high = weights.map { Int16(truncatingIfNeeded: $0 >> Self.shift) }
  }

  /// The number of weights.
  var count: Int { low.count }

  subscript(place: Int) -> Int32 { Int32(high[place]) << Self.shift + Int32(low[place]) }
}
