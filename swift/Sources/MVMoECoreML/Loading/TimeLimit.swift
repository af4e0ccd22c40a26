import MVMoE

/// Work did not end in time, and was given up.
struct TimeLimitExceeded: Error, Equatable {
  let limit: Duration
}

/// How long work may take.
struct TimeLimit: Sendable {
  /// Nil for no limit.
  let duration: Duration?

  /// Waits; another one in tests.
  var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

  /// What work gives, or ``TimeLimitExceeded``.
  ///
  /// Work that never returns cannot be ended: it is abandoned, and what it gives after all is dropped, with `dropping`. It does
  /// not see that its task was cancelled either, since Core ML finishes what it has begun.
  func run<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value, dropping drop: @escaping @Sendable (Value) -> Void = { _ in }
  ) async throws -> Value {
    guard let duration else { return try await Task { try await work() }.value }
    let race = Race<Value>()
    let timer = Task {
      try await wait(duration)
      race.end(.failure(TimeLimitExceeded(limit: duration)))
    }
    defer { timer.cancel() }
    Task {
      do {
        let value = try await work()
        if !race.end(.success(value)) { drop(value) }
      } catch {
        race.end(.failure(error))
      }
    }
    return try await race.result()
  }

  /// Waits in pieces: an app that the system suspends, work and all, wakes up with one of them over at most, not with all of
  /// the time.
  private func wait(_ duration: Duration) async throws {
    let pieces = duration > .seconds(1) ? 60 : 1
    for _ in 0..<pieces { try await sleep(duration / pieces) }
  }
}

/// One value of whoever comes first.
private final class Race<Value: Sendable>: Sendable {
  private enum State {
    case running
    case awaited(CheckedContinuation<Value, any Error>)
    case ended(Result<Value, any Error>)
    case taken
  }

  private let state = Guarded(State.running)

  /// What comes first; asked for once.
  func result() async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let ended = state.withLock { state -> Result<Value, any Error>? in
        if case .ended(let result) = state {
          state = .taken
          return result
        }
        state = .awaited(continuation)
        return nil
      }
      if let ended { continuation.resume(with: ended) }
    }
  }

  /// Ends the race, if it is not over; whether this has ended it.
  @discardableResult func end(_ result: Result<Value, any Error>) -> Bool {
    let (isFirst, waiting) = state.withLock { state -> (Bool, CheckedContinuation<Value, any Error>?) in
      switch state {
      case .running:
        state = .ended(result)
        return (true, nil)
      case .awaited(let continuation):
        state = .taken
        return (true, continuation)
      case .ended, .taken:
        return (false, nil)
      }
    }
    waiting?.resume(with: result)
    return isFirst
  }
}
