/// How long an app was not on the screen.
///
/// A glance at a message takes the app off the screen for a moment, which does not count.
struct BackgroundTime {
  private static let moment = Duration.seconds(2)

  private var left: ContinuousClock.Instant?
  private var past = Duration.zero

  /// Begins to count anew.
  mutating func reset(_ now: ContinuousClock.Instant = .now) {
    past = .zero
    if left != nil { left = now }
  }

  /// The app has left the screen.
  mutating func leave(_ now: ContinuousClock.Instant = .now) { left = left ?? now }

  /// It is back.
  mutating func comeBack(_ now: ContinuousClock.Instant = .now) {
    past += counted(now)
    left = nil
  }

  /// In whole seconds, until now.
  func seconds(_ now: ContinuousClock.Instant = .now) -> Int { Int((past + counted(now)).components.seconds) }

  private func counted(_ now: ContinuousClock.Instant) -> Duration {
    guard let left else { return .zero }
    let time = now - left
    return time >= Self.moment ? time : .zero
  }
}
