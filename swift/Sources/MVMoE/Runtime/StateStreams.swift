/// Tells everyone who listens what a dispatcher does.
final class StateStreams: Sendable {
  private typealias Continuation = AsyncStream<DispatcherState>.Continuation

  private struct State {
    /// The graphs that are being loaded, in the order in which their loads began.
    var loading: [Int] = []

    /// How many calls prewarm.
    var prewarming = 0

    /// When the loads of ``loading`` began, by the place of the graph.
    var begun: [Int: ContinuousClock.Instant] = [:]

    /// How long the last load of a graph took, by its place.
    var took: [Int: Duration] = [:]

    /// The last load, where it failed.
    var failure: (graph: Int, error: any Error)?
    var isClosed = false
    var listeners: [Int: Continuation] = [:]
    var added = 0
  }

  /// A listener that is slower misses the oldest.
  private static let mostKept = 64

  private let names: [String]
  private let state = Guarded(State())

  /// - Parameter names: those of the graphs, by their place in the cache.
  init(names: [String]) { self.names = names }

  deinit { close() }

  /// What the dispatcher does now, and from now on; it ends when the dispatcher is closed.
  func stream() -> AsyncStream<DispatcherState> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: DispatcherState.self, bufferingPolicy: .bufferingNewest(Self.mostKept))
    let (number, isClosed) = state.withLock { state in
      state.added += 1
      if !state.isClosed { state.listeners[state.added] = continuation }
      // Told before anyone else can change it, as in `publish`.
      continuation.yield(told(state))
      return (state.added, state.isClosed)
    }
    if isClosed { continuation.finish() }
    continuation.onTermination = { [weak self] _ in self?.remove(number) }
    return stream
  }

  /// How long the last load of each graph took, by its name, of those that were loaded.
  var loadTimes: [String: Duration] {
    let took = state.withLock { $0.took }
    return Dictionary(took.map { (names[$0.key], $0.value) }) { first, _ in first }
  }

  /// Takes in what the cache tells, and tells it on.
  func take(_ event: ResidencyEvent) {
    publish { state in
      switch event {
      case .loads(let graph):
        state.loading.append(graph)
        state.begun[graph] = .now
        state.failure = nil
      case .loaded(let graph):
        state.loading.removeAll { $0 == graph }
        state.took[graph] = state.begun.removeValue(forKey: graph).map { .now - $0 }
      case .failed(let graph, let error):
        state.loading.removeAll { $0 == graph }
        state.begun[graph] = nil
        // A load that was cancelled says nothing of its graph.
        if !(error is CancellationError) { state.failure = (graph, error) }
      case .evicted:
        break
      }
    }
  }

  /// Prewarming has begun, or ended.
  func prewarms(_ begins: Bool) {
    publish { $0.prewarming += begins ? 1 : -1 }
  }

  /// Tells of the end, and ends all streams.
  func close() {
    publish { $0.isClosed = true }
    let listeners = state.withLock { state in
      defer { state.listeners = [:] }
      return state.listeners.values
    }
    // A stream that ends is removed, which takes the lock.
    for listener in listeners { listener.finish() }
  }

  /// Changes the state, and tells it before anyone else can change it.
  private func publish(_ change: (inout State) -> Void) {
    state.withLock { state in
      change(&state)
      let now = told(state)
      for listener in state.listeners.values { listener.yield(now) }
    }
  }

  private func told(_ state: State) -> DispatcherState {
    if state.isClosed { return .unloaded }
    if let failure = state.failure { return .failed(graph: names[failure.graph], error: failure.error) }
    if let graph = state.loading.first { return .loading(graph: names[graph]) }
    return state.prewarming > 0 ? .prewarming : .ready
  }

  private func remove(_ number: Int) {
    state.withLock { _ = $0.listeners.removeValue(forKey: number) }
  }
}
