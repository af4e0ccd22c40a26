import Testing

/// Waits until something is so; the machine may be busy.
@MainActor
func until(
  _ what: String, within limit: Duration = .seconds(120), sourceLocation: SourceLocation = #_sourceLocation,
  _ isSo: @MainActor () async -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while await !isSo() {
    if ContinuousClock.now > end {
      Issue.record("this did not come about: \(what)", sourceLocation: sourceLocation)
      throw Missed()
    }
    try await Task.sleep(for: .milliseconds(2))
  }
}

private struct Missed: Error {}
