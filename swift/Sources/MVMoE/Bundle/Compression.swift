/// What a recipe has done to the layers of a target's graphs (`docs/bundle.md`). For people and reports: an engine finds in the
/// graphs themselves how to read their weights.
public struct Compression: Sendable {
  /// The numbers in which layers store their weights: `int8`.
  public let weights: String

  /// The numbers in which they compute: `dynamic-int8`.
  public let activations: String

  /// How many were compressed; of graphs that differ in their weights alone those of the first.
  public let layers: Int

  /// What all distinct weights of the target would have without the recipe.
  public let plainBytes: Int

  /// The layers that were not compressed.
  let left: [LeftLayer]

  /// The images by which ranges were found; nil for a recipe that needs none.
  let calibration: Calibration?

  /// How many normalizations have moved outlier channels into the layers behind them.
  let smoothed: Int
}
