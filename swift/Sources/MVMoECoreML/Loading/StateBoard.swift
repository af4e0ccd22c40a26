import MVMoE

/// Says to whoever looks which state each graph has.
final class StateBoard: Sendable {
  private struct Contents {
    var states: [String: CoreMLState] = [:]
    var since: [String: ContinuousClock.Instant] = [:]
    var notes: [String] = []
    var models = 0
    var watchers: [Int: AsyncStream<CoreMLChange>.Continuation] = [:]
    var nextWatcher = 0
  }

  private let contents = Guarded(Contents())

  deinit {
    // Outside of the lock, which the end of a stream takes. Nothing changes any more: whoever waits would wait for ever.
    for watcher in contents.withLock({ Array($0.watchers.values) }) { watcher.finish() }
  }

  var states: [String: CoreMLState] { contents.withLock { $0.states } }

  /// What did not go as one hopes for, a sentence each, once.
  var notes: [String] { contents.withLock { $0.notes } }

  /// How many models are in memory.
  var models: Int { contents.withLock { $0.models } }

  /// Every change from now on, until the board is gone.
  func changes() -> AsyncStream<CoreMLChange> {
    let (stream, continuation) = AsyncStream.makeStream(of: CoreMLChange.self)
    let number = contents.withLock { contents in
      contents.nextWatcher += 1
      contents.watchers[contents.nextWatcher] = continuation
      return contents.nextWatcher
    }
    continuation.onTermination = { [weak self] _ in
      // The stream may be ended while a change is told: outside of the lock.
      _ = self?.contents.withLock { $0.watchers.removeValue(forKey: number) }
    }
    return stream
  }

  /// A graph has another state.
  func set(_ graph: String, _ state: CoreMLState, reason: String? = nil) {
    let now = ContinuousClock.now
    let (change, watchers) = contents.withLock { contents in
      let after = contents.since[graph].map { now - $0 }
      contents.states[graph] = state
      contents.since[graph] = now
      contents.models += state.isLoaded ? 1 : 0
      contents.models -= state == .unloaded ? 1 : 0
      return (
        CoreMLChange(graph: graph, state: state, after: after, reason: reason), Array(contents.watchers.values)
      )
    }
    for watcher in watchers { watcher.yield(change) }
  }

  func note(_ sentence: String) {
    contents.withLock { contents in
      if !contents.notes.contains(sentence) { contents.notes.append(sentence) }
    }
  }
}

extension CoreMLState {
  fileprivate var isLoaded: Bool { if case .loaded = self { true } else { false } }
}
