/// Tasks of a test, of which it can know that they are at rest.
final class WatchedTasks: Sendable {
  /// A ``CountingExecutor``, where the system has executors of tasks.
  private let executor: (any Sendable)?

  init() {
    if #available(macOS 15, iOS 18, *) { executor = CountingExecutor() } else { executor = nil }
  }

  /// Begins a task.
  func callAsFunction<Success: Sendable>(
    _ work: @escaping @Sendable () async throws -> Success
  ) -> Task<Success, any Error> {
    if #available(macOS 15, iOS 18, *), let executor = executor as? CountingExecutor {
      return Task(executorPreference: executor, operation: work)
    }
    return Task(operation: work)
  }

  /// Waits until all of them have ended or wait for something; on older systems, for a tenth of a second.
  func rest() async {
    if #available(macOS 15, iOS 18, *), let executor = executor as? CountingExecutor {
      await executor.rest()
    } else {
      try? await Task.sleep(for: .milliseconds(100))
    }
  }
}
