/// A place on the canvas, whose width and height are 1: it stays where it is when the canvas gets another size.
public struct Point: Sendable, Hashable, Codable {
  /// From the left, 0 to 1.
  public let x: Float

  /// From the top, 0 to 1.
  public let y: Float

  /// A place; one beside the canvas is moved to its edge.
  public init(x: Float, y: Float) {
    self.x = Self.onCanvas(x)
    self.y = Self.onCanvas(y)
  }

  private static func onCanvas(_ place: Float) -> Float { place > 0 ? min(place, 1) : 0 }
}

/// Where the finger went from touching the canvas to leaving it.
public typealias Stroke = [Point]

/// What was drawn, stroke by stroke.
public struct Drawing: Sendable, Hashable, Codable {
  /// Each has a point at least.
  public private(set) var strokes: [Stroke]

  /// A drawing of strokes; those without a point are left out.
  public init(_ strokes: [Stroke] = []) { self.strokes = strokes.filter { !$0.isEmpty } }

  /// Whether there is nothing.
  public var isEmpty: Bool { strokes.isEmpty }

  /// With one stroke more.
  public func adding(_ stroke: Stroke) -> Drawing { Drawing(strokes + [stroke]) }
}
