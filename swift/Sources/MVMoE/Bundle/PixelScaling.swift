/// Says that an input takes an image as it is: the graph computes `pixel * scale + bias` itself.
public struct PixelScaling: Sendable {
  /// The order of the image's channels.
  public let channelOrder: ChannelOrder

  /// A factor above 0 for each channel.
  public let scale: [Double]

  /// A number for each channel.
  public let bias: [Double]
}
