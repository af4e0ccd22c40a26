/// Where the weights came from, and what exported them.
public struct Source: Sendable {
  /// The SHA-256 of the checkpoint; nil where there was none.
  public let checkpointSha256: String?

  /// Versions of the packages that made the graphs, by name.
  public let packages: [String: String]

  /// Which of several sets of weights in the checkpoint it is; nil where there is one.
  public let weights: String?

  /// Who stated each field of ``InputSpec`` that belongs to the training: `checkpoint`, `option` or `default`.
  public let input: [String: String]
}
