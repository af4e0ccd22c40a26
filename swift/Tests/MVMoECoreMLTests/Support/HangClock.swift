@testable import MVMoE

/// A clock whose time passes only while something hangs: no test waits, or depends on how busy the machine is.
final class HangClock: Sendable {
  private struct State {
    var sleepers: [Int: CheckedContinuation<Void, any Error>] = [:]
    var next = 0

    /// Hangs that began before anyone slept.
    var passed = 0
  }

  private let state = Guarded(State())

  /// Something hangs: whoever sleeps has slept long enough.
  func passes() {
    let sleepers = state.withLock { state in
      let sleepers = Array(state.sleepers.values)
      state.sleepers = [:]
      state.passed += sleepers.isEmpty ? 1 : 0
      return sleepers
    }
    for sleeper in sleepers { sleeper.resume() }
  }

  /// Sleeps until something hangs, or the task is cancelled.
  @Sendable func sleep(_ duration: Duration) async throws {
    let number = state.withLock { state in
      state.next += 1
      return state.next
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isOver = state.withLock { state -> Result<Void, any Error>? in
          if Task.isCancelled { return .failure(CancellationError()) }
          if state.passed > 0 {
            state.passed -= 1
            return .success(())
          }
          state.sleepers[number] = continuation
          return nil
        }
        if let isOver { continuation.resume(with: isOver) }
      }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: number) }?.resume(throwing: CancellationError())
    }
  }
}
