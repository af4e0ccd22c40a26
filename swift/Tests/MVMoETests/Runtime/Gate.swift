@testable import MVMoE

/// A point where tasks stop until a test lets them go.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var inside = 0
    var stopped: [CheckedContinuation<Void, Never>] = []
    var arrivals: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Guarded(State())

  /// Stops here; a task that is cancelled does too.
  func pass() async {
    await withCheckedContinuation { continuation in
      let (isOpen, arrivals) = state.withLock { state in
        defer { state.arrivals = [] }
        state.inside += 1
        if !state.isOpen { state.stopped.append(continuation) }
        return (state.isOpen, state.arrivals)
      }
      for arrival in arrivals { arrival.resume() }
      if isOpen { continuation.resume() }
    }
  }

  /// Waits until a task has come here.
  func arrival() async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.inside == 0 { state.arrivals.append(continuation) }
        return state.inside > 0
      }
      if isThere { continuation.resume() }
    }
  }

  /// Lets go all that are here, or come.
  func open() {
    let stopped = state.withLock { state in
      defer { state.stopped = [] }
      state.isOpen = true
      return state.stopped
    }
    for each in stopped { each.resume() }
  }
}
