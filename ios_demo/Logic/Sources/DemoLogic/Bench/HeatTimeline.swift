import MVMoEBench

/// Some time in which a phone was as hot.
public struct HeatStretch: Sendable, Hashable {
  /// In nanoseconds, since the first answer.
  public let from: Int

  /// In nanoseconds, since the first answer.
  public internal(set) var to: Int

  /// How hot it was, in the words of results.
  public let status: Thermal.Status

  /// 0 for no throttling, 1 for severe throttling and beyond.
  public var level: Double {
    switch status {
    case .none: 0
    case .light: 1 / 3
    case .moderate: 2 / 3
    case .severe, .critical, .emergency, .shutdown: 1
    }
  }
}

/// How hot a phone was while it answered, put together from looks at it.
struct HeatTimeline {
  /// In order, each of another status than the one before.
  private(set) var stretches: [HeatStretch] = []

  /// What it was until `at`; nil where the system does not say.
  mutating func add(_ at: Int, _ status: Thermal.Status?) {
    guard let status else { return }
    if let last = stretches.last, last.status == status {
      stretches[stretches.count - 1].to = at
    } else {
      stretches.append(HeatStretch(from: stretches.last?.to ?? 0, to: at, status: status))
    }
  }
}
