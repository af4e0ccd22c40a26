/// Where the input lies in the upright image (`docs/bundle.md`, *Back to the image*).
public struct InputTransform: Sendable, Hashable {
  /// Of the upright image, in pixels.
  public let imageWidth: Int

  /// Of the upright image, in pixels.
  public let imageHeight: Int

  /// The size that all of the image is resized to.
  public let resizedWidth: Int

  /// The size that all of the image is resized to.
  public let resizedHeight: Int

  /// The column of the resized image at which the input begins; negative where padding comes first.
  public let left: Int

  /// The row of the resized image at which the input begins.
  public let top: Int

  /// Of the model's input, in pixels.
  public let inputWidth: Int

  /// Of the model's input, in pixels.
  public let inputHeight: Int
}
