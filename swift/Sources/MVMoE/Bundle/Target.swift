/// The graphs of one target: a format with how routing became graphs.
public struct Target: Sendable {
  /// Its name in the manifest.
  public let name: String

  /// Which engine runs the graphs: `onnx`, `executorch`, `coreml`.
  public let format: String

  /// How routing became graphs: `dispatch`, `bind`, ... (`docs/strategies.md`).
  public let strategy: String

  /// The recipe of weights and computation: `fp32`, `int8`.
  public let precision: String

  /// B, the first size of every tensor.
  public let batch: Int

  /// In the order of the manifest.
  public let graphs: [Graph]

  /// The path of the file that the graphs share; nil where there is none.
  public let weights: String?

  /// Every file of the target.
  public let files: [FileRecord]

  /// What the export checked; nil where no engine of that machine runs the graphs.
  public let parity: Parity?

  /// Whether routers are inside of the target's only graph.
  public let routersInGraph: Bool

  /// What was chosen of the format: a text, number, boolean or nil by name.
  public let options: [String: OptionValue]

  /// The rewrites that changed the graphs, in order.
  public let rewrites: [String]

  /// Who needs which weights; nil where nothing is known.
  public let sizes: Sizes?

  /// With `bind`, for each routed stage where each expert's weights are; else empty.
  public let experts: [[ExpertWeights]]

  /// How far the graphs may be from PyTorch.
  public let bounds: Bounds

  /// What was done to the graphs' layers; nil where weights are in the numbers that graphs compute in.
  public let compression: Compression?
}
