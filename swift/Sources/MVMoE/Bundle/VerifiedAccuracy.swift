/// How often the best class was right, on images with labels.
public struct VerifiedAccuracy: Sendable {
  /// How many there were.
  public let images: Int

  /// The share of them on which PyTorch was right, from 0 to 1.
  public let reference: Double

  /// The share of them on which the graphs were right, from 0 to 1.
  public let target: Double

  /// What the graphs lose at least, as a share: the lower end of a 95% interval, below 0 where they gain.
  public let leastLoss: Double

  /// What they lose at most: its upper end.
  public let mostLoss: Double
}
