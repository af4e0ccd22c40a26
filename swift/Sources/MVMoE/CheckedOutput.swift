/// How far an engine's values of one output agree with the golden ones.
public struct CheckedOutput: Sendable {
  /// What the model calls the output.
  public let name: String

  /// Of the output: `logits`, `boxes`, ...
  public let kind: String

  /// What ``agreement`` is, in words, near-ties left out; nil for a kind of output that decides nothing.
  public let measure: String?

  /// The share of what the images decide that is the same, 0 to 1; nil as ``measure`` is.
  public let agreement: Double?

  /// What ``agreement`` must be at least.
  public let leastAgreement: Double?

  /// The largest error, relative to the largest golden value.
  public let error: Double

  /// Whether the agreement is what it must be.
  public var agrees: Bool {
    guard let agreement, let leastAgreement else { return true }
    return agreement >= leastAgreement
  }
}
