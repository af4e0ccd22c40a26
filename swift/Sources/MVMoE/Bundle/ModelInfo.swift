/// The model that was exported, and its size.
public struct ModelInfo: Sendable {
  /// The kind of network: `mobile_vmoe`.
  public let family: String

  /// The model's own name.
  public let name: String

  /// All parameters.
  public let paramsTotal: Int

  /// Parameters that one image uses.
  public let paramsActive: Int

  /// Multiply-accumulates of one image.
  public let macs: Int
}
