import Foundation

/// Numbers, sizes, times and experts as the user's language writes them.
public struct Words: Sendable {
  private let locale: Locale
  private let timeZone: TimeZone

  /// Words of a language and a place; the user's own unless others are given.
  public init(locale: Locale = .autoupdatingCurrent, timeZone: TimeZone = .autoupdatingCurrent) {
    self.locale = locale
    self.timeZone = timeZone
  }

  /// `312 µs`, `1.24 ms`.
  public func duration(_ duration: Duration) -> String {
    let microseconds = duration.inSeconds * 1e6
    if microseconds < 1000 { return TryPhrase.durationUs.with(number(microseconds, digits: microseconds < 10 ? 1 : 0)) }
    let milliseconds = microseconds / 1000
    return TryPhrase.durationMs.with(number(milliseconds, digits: milliseconds < 10 ? 2 : 1))
  }

  /// `98.2 %`, of a share of 1.
  public func percent(_ share: Double) -> String { TryPhrase.percent.with(number(100 * share, digits: 1)) }

  /// `2.31`: more digits the smaller it is.
  public func figure(_ value: Double) -> String { number(value, digits: abs(value) < 10 ? 2 : 1) }

  /// `2.9`.
  public func minutes(_ minutes: Double) -> String { number(minutes, digits: 1) }

  /// `12`.
  public func count(_ value: Int) -> String { value.formatted(.number.locale(locale)) }

  /// `1.2 MB`.
  public func size(_ bytes: Int) -> String { Int64(bytes).formatted(.byteCount(style: .file).locale(locale)) }

  /// The time of day, to the second.
  public func time(_ date: Date) -> String {
    date.formatted(Date.FormatStyle(date: .omitted, time: .standard, locale: locale, timeZone: timeZone))
  }

  /// The experts of each stage: `expert 3`, `experts 0, 3, then expert 1`.
  public func way(_ routes: [[Int]]) -> String {
    guard let first = routes.first else { return experts([]) }
    return routes.dropFirst().reduce(experts(first)) { TryPhrase.expertsThen.with($0, experts($1)) }
  }

  /// `expert 3`, `experts 0, 3`.
  public func experts(_ route: [Int]) -> String {
    let numbers = route.map(count).joined(separator: ", ")
    switch route.count {
    case 0: return TryPhrase.noExperts.text
    case 1: return TryPhrase.expertsOne.with(numbers)
    default: return TryPhrase.expertsOther.with(numbers)
    }
  }

  private func number(_ value: Double, digits: Int) -> String {
    value.formatted(.number.precision(.fractionLength(digits)).locale(locale))
  }
}

extension Duration {
  /// In seconds.
  var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
