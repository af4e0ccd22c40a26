/// How one output compared with PyTorch, over all images.
public struct VerifiedOutput: Sendable {
  /// The output's kind.
  public let kind: String

  /// What the images decide, in words; nil for a kind that decides nothing.
  public let measure: String?

  /// The share of it that is the same, from 0 to 1; nil for a kind that decides nothing.
  public let agreement: Double?

  /// The largest error.
  public let maxAbsError: Double

  /// The largest error, relative to the largest value.
  public let maxRelError: Double

  /// The root of the mean squared error.
  public let rmsError: Double

  /// The peak signal-to-noise ratio in decibels; nil where nothing differs.
  public let psnrDb: Double?
}
