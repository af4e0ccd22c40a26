/// Where a graph is on its way into memory.
///
///                     not in time,
///                     does not load           dropped by its dispatcher
///                       +-----+               +-----------------------+
///                       |     v               |                       v
///     compiling ----> loading(units) ----> loaded(units)           unloaded
///         |                 |
///         +-----------------+----> failed: on none of the units
///
public enum CoreMLState: Sendable, Equatable {
  /// Core ML compiles its package. What was compiled before is found, and takes no time.
  case compiling

  /// Core ML loads it and makes it fit for these units.
  case loading(ComputeUnits)

  /// It is in memory and runs on these units.
  case loaded(ComputeUnits)

  /// It was in memory; its memory is free.
  case unloaded

  /// It did not load.
  case failed
}

/// A graph has another state.
public struct CoreMLChange: Sendable, Equatable {
  /// The graph's name in the manifest.
  public let graph: String

  /// The state that it has now.
  public let state: CoreMLState

  /// How long the state before it lasted; nil for the first.
  public let after: Duration?

  /// Why it changed, in a sentence, where that is not the way that one hopes for: a time limit, an error.
  public let reason: String?
}
