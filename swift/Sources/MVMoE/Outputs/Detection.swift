/// Something that a detector has found.
public struct Detection: Sendable, Hashable {
  /// Of its class.
  public let index: Int

  /// The name of that class, or its number where classes have no names.
  public let label: String

  /// Of its class, from 0 to 1.
  public let score: Double

  /// In pixels of the upright image, cut to it; in pixels of the input where there is no image.
  public let box: Box

  /// Which row of ``BoxesOutput/values`` it is.
  public let row: Int
}

extension Detection: CustomStringConvertible {
  /// `dog 0.8 at 12.0, 3.5 to 40.0, 20.0`.
  public var description: String { "\(label) \(score) at \(box)" }
}
