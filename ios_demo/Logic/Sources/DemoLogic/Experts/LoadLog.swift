import Foundation
import MVMoE

/// One thing that happened to a graph.
public struct LoadEvent: Sendable, Hashable {
  /// What happened.
  public enum Change: Sendable, Hashable {
    /// It came into memory.
    case loaded

    /// It left memory: it was evicted, or released.
    case released

    /// Its load failed.
    case failed
  }

  /// When.
  public let at: Date

  /// The graph's name in the manifest.
  public let graph: String

  /// What happened.
  public let change: Change

  /// How long the load took; nil where nothing was loaded, or nobody has seen it begin.
  public let took: Duration?
}

/// What came into memory and left it, as far as a dispatcher's states say it that are seen one after the other.
///
/// A load is timed from the state that tells of its beginning to the one after it: whoever calls
/// ``see(_:told:_:seen:_:)`` has to do so when a state is told, at once.
struct LoadLog {
  /// How many events are kept; older ones are forgotten.
  let most: Int

  /// The newest first.
  private(set) var events: [LoadEvent] = []

  /// How long the last load of each graph took, of those that were loaded since the log began.
  private(set) var lastLoads: [String: Duration] = [:]
  private var known: [String: LoadState]?
  private var begun: [String: ContinuousClock.Instant] = [:]

  init(most: Int = 50) { self.most = most }

  /// Takes in a state, and where each graph is; the first ones are where the log begins.
  ///
  /// - Parameters:
  ///   - told: when the state was told.
  ///   - graphs: where they were at `seen`, a moment later: they may be ahead of the state.
  ///   - date: the time of day.
  mutating func see(
    _ state: DispatcherState, told: ContinuousClock.Instant, _ graphs: [String: LoadState],
    seen: ContinuousClock.Instant, _ date: Date
  ) {
    if case .loading(let graph) = state { begin(graph, told) }
    defer { known = graphs }
    guard let known else { return }
    for (graph, found) in graphs.sorted(by: { $0.key < $1.key }) { change(graph, known[graph], found, seen, date) }
  }

  private mutating func begin(_ graph: String, _ at: ContinuousClock.Instant) {
    if begun[graph] == nil { begun[graph] = at }
  }

  private mutating func change(
    _ graph: String, _ last: LoadState?, _ found: LoadState, _ seen: ContinuousClock.Instant, _ date: Date
  ) {
    switch found {
    case .loading: begin(graph, seen)
    case .ready:
      let began = begun.removeValue(forKey: graph)
      // It may have been in memory already when the state was seen that tells of its load.
      if last != .ready { add(graph, .loaded, began.map { seen - $0 }, date) }
    case .failed:
      let began = begun.removeValue(forKey: graph)
      if last != .failed || began != nil { add(graph, .failed, nil, date) }
    case .unloaded:
      if last == .ready { add(graph, .released, nil, date) }
      if last == .loading { begun[graph] = nil }
    // It is mapped from the beginning.
    case .mapped: break
    }
  }

  private mutating func add(_ graph: String, _ change: LoadEvent.Change, _ took: Duration?, _ date: Date) {
    if let took { lastLoads[graph] = took }
    events.insert(LoadEvent(at: date, graph: graph, change: change, took: took), at: 0)
    if events.count > most { events.removeLast() }
  }
}
