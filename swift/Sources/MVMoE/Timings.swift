/// How long the parts of one prediction took.
public struct Timings: Sendable, Hashable {
  /// From pixels to the model's input.
  public let preprocess: Duration

  /// What every image runs first.
  public let stem: Duration

  /// From routers' logits to routes, and writing these into the graphs' inputs.
  public let select: Duration

  /// To have the experts in memory: next to nothing where they are there already.
  public let load: Duration

  /// The graphs of the routed stages.
  public let expert: Duration

  /// All of it, from the call to the answer.
  public let total: Duration
}
