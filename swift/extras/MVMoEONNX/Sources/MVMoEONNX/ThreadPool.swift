/// Whose threads compute a graph.
public enum ThreadPool: Sendable, Hashable, CaseIterable {
  /// Each graph has a pool of its own; an image that runs two graphs with two threads or more pays for two pools.
  case session

  /// All graphs of the process share one pool.
  ///
  /// The first engine that asks for it makes it, with its number of threads, and from then on ONNX Runtime runs all graphs of
  /// the process on it. It can be made only before anything else in the process uses ONNX Runtime.
  case process
}
