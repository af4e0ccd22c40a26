import MVMoE

/// Says to whoever looks which state each graph has.
final class StateBoard: Sendable {
  private struct Contents {
    var states: [String: CoreMLState] = [:]
    var since: [String: ContinuousClock.Instant] = [:]
    var notes: [String] = []
    var copies: [String: Int] = [:]
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
  var models: Int { contents.withLock { $0.copies.values.reduce(0, +) } }

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
    change(graph) { contents in
      if state.isLoaded { contents.copies[graph, default: 0] += 1 }
      return (state, reason)
    }
  }

  /// The memory of one copy of a graph is free.
  ///
  /// A graph that was dropped while a call ran it may be in memory once more by then, or on its way there: its state stays.
  func free(_ graph: String) {
    change(graph) { contents in
      let left = (contents.copies[graph] ?? 1) - 1
      contents.copies[graph] = left > 0 ? left : nil
      return left <= 0 && contents.states[graph]?.isLoaded == true ? (.unloaded, nil) : nil
    }
  }

  /// Tells the state that `next` gives a graph, if any.
  private func change(_ graph: String, to next: (inout Contents) -> (state: CoreMLState, reason: String?)?) {
    let now = ContinuousClock.now
    let told = contents.withLock { contents -> (CoreMLChange, [AsyncStream<CoreMLChange>.Continuation])? in
      guard let (state, reason) = next(&contents) else { return nil }
      let after = contents.since[graph].map { now - $0 }
      contents.states[graph] = state
      contents.since[graph] = now
      return (
        CoreMLChange(graph: graph, state: state, after: after, reason: reason), Array(contents.watchers.values)
      )
    }
    guard let (change, watchers) = told else { return }
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
