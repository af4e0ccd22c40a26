/// Numbers for each place of the input `[C, H, W]`: depth, an enhanced image, heat maps.
public struct MapOutput: Output, CustomStringConvertible {
  public let spec: OutputSpec
  public let shape: [Int]
  public let values: [Float]
  let transform: InputTransform?

  /// C, the numbers at each place.
  public var channels: Int { shape[0] }

  /// H, the rows of the map.
  public var height: Int { shape[1] }

  /// W, the columns of the map.
  public var width: Int { shape[2] }

  /// The value at a place of the map; nil outside of `[C, H, W]`.
  public func valueAt(channel: Int, row: Int, column: Int) -> Float? {
    placeIn(shape, channel, row, column).map { values[$0] }
  }

  /// The value at a pixel of the upright image: that of the cell that the pixel's middle lies in; nil where the input does not
  /// reach. The map's cells divide the input evenly. Without an image pixels are those of the map.
  public func valueAtPixel(channel: Int, x: Int, y: Int) -> Float? {
    let cell = CellsOfImage(shape: shape, transform: transform).cell(x: x, y: y)
    guard let cell, (0..<channels).contains(channel) else { return nil }
    return values[channel * height * width + cell]
  }
}
