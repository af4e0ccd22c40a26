/// Grey levels `[height, width]`: what the model is given of a drawing.
public struct GreyImage: Sendable, Hashable {
  /// In pixels.
  public let width: Int

  /// In pixels.
  public let height: Int

  /// From 0, black, to 255, row after row.
  public let levels: [UInt8]
}

/// A picture to look at, upright and small enough for a screen.
public struct Picture: Sendable, Hashable {
  /// In pixels.
  public let width: Int

  /// In pixels.
  public let height: Int

  /// Red, green, blue and 255 of each pixel, row after row.
  public let rgba: [UInt8]

  /// Its width by that of the image that was answered.
  public let scale: Double
}
