import MVMoEBench

/// How much is measured.
public enum BenchLength: String, Sendable, CaseIterable {
  /// A look: less than a minute.
  case quick

  /// Enough repeats for intervals.
  case thorough

  /// Ten minutes without a pause for each engine, after which most phones are hot.
  case sustained

  /// As the rest of the app answers with.
  private static let threads = 2

  var settings: OwnRunSettings {
    switch self {
    case .quick: OwnRunSettings(threads: Self.threads, repeats: 2, mostSeconds: 5, memory: true)
    case .thorough: OwnRunSettings(threads: Self.threads, repeats: 6, mostSeconds: 20, memory: true)
    case .sustained:
      OwnRunSettings(threads: Self.threads, repeats: 2, mostSeconds: 5, memory: true, sustainedSeconds: 600)
    }
  }
}
