/// The order of an image's channels; the raw value is its name in a manifest.
public enum ChannelOrder: String, Sendable, CaseIterable {
  /// Red, green, blue.
  case rgb = "RGB"

  /// Blue, green, red.
  case bgr = "BGR"

  /// Grey.
  case grey = "L"

  /// How many channels there are.
  public var channels: Int { self == .grey ? 1 : 3 }
}
