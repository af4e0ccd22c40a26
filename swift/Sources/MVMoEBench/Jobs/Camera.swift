/// Frames that come at a fixed rate; who is late gets the newest one, as from a camera.
struct Camera {
  private static let second = 1e9

  /// Whoever cancels waits no longer for the end.
  private static let longestRest = 100_000_000

  private let period: Double
  private let clock: () -> Int
  private let sleep: (Int) async throws -> Void
  private let begin: Int

  /// `rate` is frames a second; `clock` gives nanoseconds, and `sleep` takes them and may end early.
  init(
    _ rate: Double, clock: @escaping () -> Int = MonotonicClock.nanoseconds,
    sleep: @escaping (Int) async throws -> Void = { try await Task.sleep(for: .nanoseconds($0), tolerance: .zero) }
  ) {
    period = Self.second / rate
    self.clock = clock
    self.sleep = sleep
    begin = clock()
  }

  /// When a frame comes, by the clock.
  func comes(_ frame: Int) -> Int { begin + (Int(exactly: (Double(frame) * period).rounded()) ?? 0) }

  /// Nanoseconds since a frame came; negative before it does.
  func late(_ frame: Int) -> Int { clock() - comes(frame) }

  /// Waits for the first frame after another one; of several that came meanwhile it is the last.
  ///
  /// `isCancelled` ends the wait early.
  func frame(after frame: Int, _ isCancelled: () -> Bool) async throws -> Int {
    let wanted = max(frame + 1, Int(exactly: (Double(clock() - begin) / period).rounded(.down)) ?? 0)
    while !isCancelled() {
      let late = late(wanted)
      if late >= 0 { break }
      try await sleep(min(-late, Self.longestRest))
    }
    return wanted
  }
}
