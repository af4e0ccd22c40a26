/// Some neighbouring values of a curve.
public struct CurvePoint: Sendable, Hashable {
  /// The first place of them.
  public let x: Double

  /// The smallest.
  public let low: Double

  /// Their median.
  public let middle: Double

  /// The largest.
  public let high: Double
}

/// A curve of any number of values in few points: where there are more, two neighbours become one.
///
/// The median of merged points is the mean of theirs, which a drawing cannot tell from their median.
struct Curve {
  private let most: Int
  private var whole: [CurvePoint] = []
  private var waiting: [Double] = []
  private var start = 0.0

  /// How many values a point is of.
  private var size = 1

  /// - Parameter most: of its points.
  init(most: Int = 120) { self.most = most }

  /// All points, with one of the last values that fill no point yet.
  var points: [CurvePoint] { point(of: waiting).map { whole + [$0] } ?? whole }

  /// Appends a value at a place, which is not before the last one's.
  mutating func add(_ x: Double, _ y: Double) {
    if waiting.isEmpty { start = x }
    waiting.append(y)
    guard waiting.count >= size, let point = point(of: waiting) else { return }
    whole.append(point)
    waiting = []
    if whole.count >= most { halve() }
  }

  private func point(of values: [Double]) -> CurvePoint? {
    let sorted = values.sorted()
    guard let low = sorted.first, let high = sorted.last else { return nil }
    return CurvePoint(x: start, low: low, middle: sorted[sorted.count / 2], high: high)
  }

  private mutating func halve() {
    whole = stride(from: 0, to: whole.count, by: 2).map { place in
      Self.merged(whole[place], whole[min(place + 1, whole.count - 1)])
    }
    size *= 2
  }

  private static func merged(_ first: CurvePoint, _ second: CurvePoint) -> CurvePoint {
    CurvePoint(
      x: first.x, low: min(first.low, second.low), middle: (first.middle + second.middle) / 2,
      high: max(first.high, second.high))
  }
}

extension [CurvePoint] {
  private static var usual: Double { 0.95 }
  private static var mostAboveMiddle: Double { 2 }
  private static var mostTimesMedian: Double { 4 }

  /// How high an axis has to be. One answer that the system interrupted would flatten all others: it is cut off.
  var height: Double {
    let middles = map(\.middle).sorted()
    guard let largest = middles.last(where: { $0 <= Self.mostTimesMedian * middles[middles.count / 2] }) else {
      return 0
    }
    let highs = map(\.high).sorted()
    return Swift.max(
      largest, Swift.min(highs[Int(Double(highs.count) * Self.usual)], Self.mostAboveMiddle * largest))
  }
}
