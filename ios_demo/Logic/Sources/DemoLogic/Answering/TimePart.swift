import MVMoE

/// What a dispatcher does for an image, in this order.
public enum Work: String, Sendable, CaseIterable {
  case preprocess
  case stem
  case select
  case load
  case expert
  case rest
}

/// How long a part of a prediction took.
public struct TimePart: Sendable, Hashable {
  /// What was done.
  public let work: Work

  /// How long.
  public let duration: Duration
}

extension TimePart {
  /// The parts of a prediction, and what lies between them, so that they add up to the whole.
  static func parts(of timings: Timings) -> [TimePart] {
    let parts = [
      TimePart(work: .preprocess, duration: timings.preprocess),
      TimePart(work: .stem, duration: timings.stem),
      TimePart(work: .select, duration: timings.select),
      TimePart(work: .load, duration: timings.load),
      TimePart(work: .expert, duration: timings.expert),
    ]
    let rest = timings.total - parts.reduce(.zero) { $0 + $1.duration }
    return parts + [TimePart(work: .rest, duration: max(.zero, rest))]
  }
}
