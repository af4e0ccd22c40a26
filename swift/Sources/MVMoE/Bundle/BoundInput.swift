/// An input that is a weight of an expert.
public struct BoundInput: Sendable {
  /// Where the expert stands in the image's route; 0 is the first.
  public let place: Int

  /// Which of the expert's tensors it is.
  public let tensor: String
}
