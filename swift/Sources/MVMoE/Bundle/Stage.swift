/// One step of inference (`docs/bundle.md`, `stages`).
public struct Stage: Sendable {
  /// Its name, one of its own.
  public let name: String

  /// How its route comes about; nil for the stem.
  public let rule: (any Rule)?

  /// The tensor with the logits that the rule takes; nil where it takes none.
  public let router: String?

  /// The tensor that each input of its graphs is, but for the inputs that a strategy adds.
  public let takes: [String: String]

  /// The tensor that each output of its graphs is.
  public let gives: [String: String]

  /// Routes on which an image is finished: it runs neither this stage nor any after it.
  public let finishes: [Route]
}
