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

  /// How long the load took; nil where nothing was loaded.
  public let took: Duration?
}

/// What came into memory and left it, as far as a dispatcher says it when it is looked at, once after each of its
/// states.
struct LoadLog {
  /// How many events are kept; older ones are forgotten.
  let most: Int

  /// The newest first.
  private(set) var events: [LoadEvent] = []

  /// How long the last load of each graph took, of those that were loaded since the log began.
  private(set) var lastLoads: [String: Duration] = [:]
  private var known: (graphs: [String: LoadState], times: [String: Duration])?

  init(most: Int = 50) { self.most = most }

  /// Takes in where each graph is, and how long its last load took; the first look is where the log begins.
  ///
  /// - Parameters:
  ///   - times: asked after `graphs`, so that they may be ahead of them.
  ///   - date: the time of day.
  mutating func see(_ graphs: [String: LoadState], times: [String: Duration], _ date: Date) {
    guard let before = known else {
      known = (graphs, times)
      return
    }
    var now = graphs
    for (graph, found) in graphs.sorted(by: { $0.key < $1.key }) {
      if let took = times[graph], took != before.times[graph] {
        if before.graphs[graph] == .ready { add(graph, .released, nil, date) }
        lastLoads[graph] = took
        add(graph, .loaded, took, date)
        // Where it is gone again, the next look says so.
        now[graph] = .ready
      } else {
        change(graph, before.graphs[graph], found, date)
      }
    }
    known = (now, times)
  }

  private mutating func change(_ graph: String, _ last: LoadState?, _ found: LoadState, _ date: Date) {
    switch found {
    case .ready: if last != .ready { add(graph, .loaded, nil, date) }
    case .failed: if last != .failed { add(graph, .failed, nil, date) }
    case .unloaded, .loading: if last == .ready { add(graph, .released, nil, date) }
    // It is mapped from the beginning.
    case .mapped: break
    }
  }

  private mutating func add(_ graph: String, _ change: LoadEvent.Change, _ took: Duration?, _ date: Date) {
    events.insert(LoadEvent(at: date, graph: graph, change: change, took: took), at: 0)
    if events.count > most { events.removeLast() }
  }
}
