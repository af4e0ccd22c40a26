import Foundation

@testable import MVMoE

/// Runs tasks on the system's threads, and knows when none of them has anything to do.
///
/// A task that waits for a continuation has no job here, and what wakes it adds one before its own ends. So what has no job
/// left is at rest until a test does something.
@available(macOS 15, iOS 18, *)
final class CountingExecutor: TaskExecutor {
  private struct State {
    var jobs = 0
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Guarded(State())
  private let queue = DispatchQueue(label: "tests", attributes: .concurrent)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs += 1 }
    queue.async {
      job.runSynchronously(on: self.asUnownedTaskExecutor())
      self.end()
    }
  }

  /// Waits until everything is at rest.
  func rest() async {
    await withCheckedContinuation { continuation in
      let rests = state.withLock { state in
        if state.jobs > 0 { state.waiting.append(continuation) }
        return state.jobs == 0
      }
      if rests { continuation.resume() }
    }
  }

  private func end() {
    let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.jobs -= 1
      if state.jobs > 0 { return [] }
      defer { state.waiting = [] }
      return state.waiting
    }
    for each in waiting { each.resume() }
  }
}
