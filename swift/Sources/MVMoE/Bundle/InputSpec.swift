/// The input `[C, H, W]` of the model, and what makes it from an image (`docs/bundle.md`, *Preprocessing*).
public struct InputSpec: Sendable {
  /// H, in pixels.
  public let height: Int

  /// W, in pixels.
  public let width: Int

  /// The order of the channels, and of ``mean`` and ``std``.
  public let channelOrder: ChannelOrder

  /// The rule: `timm`, `torchvision`, `squash`, `border` or `letterbox`.
  public let resize: String

  /// Of the rules `timm`, `squash` and `border`; 1.0 with the others.
  public let cropFraction: Double

  /// Of the rule `torchvision`, in pixels; nil with the others.
  public let resizeSize: Int?

  /// Of the rule `letterbox`, from 0 to 255; nil with the others.
  public let padLevel: Int?

  /// Of the rule `letterbox`: `around` or `right-bottom`; nil with the others.
  public let padPlace: String?

  /// Of the rule `letterbox`: `nearest` or `down`; nil with the others.
  public let padRounding: String?

  /// `bicubic`, `bilinear`, `nearest` or `lanczos`.
  public let interpolation: String

  /// Of each channel, of levels from 0 to 1.
  public let mean: [Double]

  /// Of each channel, of levels from 0 to 1.
  public let std: [Double]

  /// `[C, H, W]`.
  public var shape: [Int] { [channelOrder.channels, height, width] }
}
