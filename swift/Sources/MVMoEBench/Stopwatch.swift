/// Takes the time of the steps of an opening: nanoseconds by name.
final class Stopwatch {
  private(set) var spent: [String: Int] = [:]
  private var last = MonotonicClock.nanoseconds()

  /// All steps.
  var total: Int { spent.values.reduce(0, +) }

  /// Counts the time since the last lap as `name`: `parse`, `hash` or `open`.
  func lap(_ name: String) {
    let now = MonotonicClock.nanoseconds()
    spent[name, default: 0] += now - last
    last = now
  }
}
