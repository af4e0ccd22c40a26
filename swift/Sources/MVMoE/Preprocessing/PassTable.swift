/// Which samples one pass of a resize reads, and their weights in units of 2^-22 (`docs/bundle.md`, *Resizing to the last
/// rounding*).
///
/// Of all samples that the pass would make it has those of a window, from 0 on. Sums of whole numbers do not depend on their
/// order, so an axis can be read backwards.
struct PassTable: Sendable {
  /// Bits behind the point of a weight.
  static let bits = 22

  /// The first sample that each one reads.
  let starts: [Int]

  /// How many samples each one reads; `starts` and `counts` end within the axis.
  let counts: [Int]

  /// The weights of each one: ``blocks`` of eight, zeros behind the last one.
  let weights: [Int32]

  /// Blocks of eight weights of each sample.
  let blocks: Int

  /// All from the first to the last sample that any of them reads.
  let read: Range<Int>

  /// The most samples that one of them reads.
  let longest: Int

  private init(starts: [Int], counts: [Int], weights: [Int32], blocks: Int) {
    self.starts = starts
    self.counts = counts
    self.weights = weights
    self.blocks = blocks
    read = (starts.min() ?? 0)..<(zip(starts, counts).map(+).max() ?? 0)
    longest = counts.max() ?? 0
  }
}

extension PassTable {
  /// The number of samples that it makes.
  var size: Int { starts.count }

  /// Whether each sample is one of those that are read: the pass changes nothing, or is one of `nearest`.
  var copies: Bool { longest == 1 }

  /// What is read of a row by a pass that only copies; nil where samples are weighed.
  var copied: Columns? {
    guard copies else { return nil }
    return zip(starts, starts.dropFirst()).allSatisfy { $1 == $0 + 1 } ? .run(read) : .places(starts)
  }

  /// The same of an axis of that many samples that is stored backwards.
  func reversed(samples: Int) -> PassTable {
    var reversed = [Int32](repeating: 0, count: size * blocks * 8)
    for index in 0..<size {
      let place = index * blocks * 8
      for tap in 0..<counts[index] { reversed[place + tap] = weights[place + counts[index] - 1 - tap] }
    }
    return PassTable(
      starts: zip(starts, counts).map { samples - $0 - $1 }, counts: counts, weights: reversed, blocks: blocks)
  }

  /// Of a pass from `samples` to `made`, the ones in `window`; without a kernel for `nearest`.
  static func of(samples: Int, made: Int, window: Range<Int>, kernel: Kernel?) -> PassTable {
    if samples == made { return copying(Array(window)) }
    guard let kernel else { return copying(nearest(samples, made, window)) }
    return weighed(samples, made, window, kernel)
  }

  private static func copying(_ starts: [Int]) -> PassTable {
    let weights = [Int32](repeating: 0, count: 8 * starts.count).enumerated().map { $0.offset % 8 == 0 ? one : 0 }
    return PassTable(starts: starts, counts: starts.map { _ in 1 }, weights: weights, blocks: 1)
  }

  /// The place is a running sum, not a product: its rounding errors are part of the definition.
  private static func nearest(_ samples: Int, _ made: Int, _ window: Range<Int>) -> [Int] {
    let step = Double(samples) / Double(made)
    var found = [Int]()
    found.reserveCapacity(window.count)
    var place = step / 2
    for index in 0..<window.upperBound {
      if index >= window.lowerBound { found.append(min(Int(place), samples - 1)) }
      place += step
    }
    return found
  }

  private static func weighed(_ samples: Int, _ made: Int, _ window: Range<Int>, _ kernel: Kernel) -> PassTable {
    let step = Double(samples) / Double(made)
    let wide = max(step, 1)
    let reach = kernel.support * wide
    let centres = window.map { (Double($0) + 0.5) * step }
    let starts = centres.map { max(Int($0 - reach + 0.5), 0) }
    let counts = zip(centres, starts).map { min(Int($0 + reach + 0.5), samples) - $1 }
    let blocks = ((counts.max() ?? 0) + 7) / 8
    var weights = [Int32](repeating: 0, count: window.count * blocks * 8)
    for (index, centre) in centres.enumerated() {
      let exact = (0..<counts[index]).map { kernel.weight((Double(starts[index] + $0) - centre + 0.5) * (1 / wide)) }
      let sum = exact.reduce(0, +)
      for (tap, weight) in exact.enumerated() { weights[index * blocks * 8 + tap] = fixed(weight / sum) }
    }
    return PassTable(starts: starts, counts: counts, weights: weights, blocks: blocks)
  }

  private static var one: Int32 { 1 << Int32(bits) }

  /// To the nearest, halves away from zero.
  private static func fixed(_ weight: Double) -> Int32 { Int32(weight * Double(one) + (weight < 0 ? -0.5 : 0.5)) }
}
