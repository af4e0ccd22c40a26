/// What a dispatcher does, as ``Dispatcher/states`` tells it.
///
/// ```
///                  a graph has to be loaded
///          ready --------------------------> loading
///         ^  |  ^                            |  |
/// prewarm |  |  +----------- loaded ---------+  | does not load
///         v  |                                  v
///  prewarming|                                failed  -- the next load --> loading
///            |
///            +--- close --> unloaded
/// ```
///
/// While several graphs are being loaded, the one whose load began first is told; while prewarming, each graph that is
/// loaded, and `prewarming` between two.
public enum DispatcherState: Sendable {
  /// It is closed; nothing is in memory.
  case unloaded

  /// It loads what fits, the most used graphs first, and runs each once.
  case prewarming

  /// What every image runs is in memory, and nothing is being loaded.
  case ready

  /// The engine loads the graph of that name.
  case loading(graph: String)

  /// The graph of that name did not load; the next image that needs it tries again. Other images are answered.
  case failed(graph: String, error: any Error)
}
