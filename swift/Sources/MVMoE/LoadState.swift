/// Where a graph is, as ``Dispatcher/graphStates`` says it.
public enum LoadState: Sendable, Hashable, CaseIterable {
  /// Not in memory: it is loaded when an image needs it.
  case unloaded

  /// The engine loads it.
  case loading

  /// In memory.
  case ready

  /// Its last load failed; the next image that needs it tries again.
  case failed

  /// It takes the weights of experts as inputs (strategy `bind`).
  ///
  /// The graph stays in memory; which pages of its experts' weights are there too, the system decides.
  case mapped
}
