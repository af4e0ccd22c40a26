/// A rectangle in pixels. Coordinates are those of edges: the first pixel reaches from 0 to 1, an image from 0 to its width.
public struct Box: Sendable, Hashable {
  /// The column where it begins.
  public let left: Double

  /// The row where it begins.
  public let top: Double

  /// The column where it ends.
  public let right: Double

  /// The row where it ends.
  public let bottom: Double

  /// A box of these edges.
  public init(left: Double, top: Double, right: Double, bottom: Double) {
    self.left = left
    self.top = top
    self.right = right
    self.bottom = bottom
  }

  /// From the left edge to the right one.
  public var width: Double { right - left }

  /// From the top edge to the bottom one.
  public var height: Double { bottom - top }
}

extension Box: CustomStringConvertible {
  public var description: String { "\(left), \(top) to \(right), \(bottom)" }
}
