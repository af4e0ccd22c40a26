/// A layer that was not compressed.
struct LeftLayer: Sendable {
  /// The graph that has it; of graphs that differ in their weights alone the first.
  let graph: String

  let `operator`: String

  /// The name of its weight.
  let layer: String

  let reason: String
}
