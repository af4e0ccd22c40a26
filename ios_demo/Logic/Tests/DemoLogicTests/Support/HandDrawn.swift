import Foundation

@testable import DemoLogic

/// Digits as somebody draws them, not in the canvas's middle and not of its height.
enum HandDrawn {
  static let digits: [String: Drawing] = [
    "0": drawing(arc(0.5, 0.5, 0.3, 0.5, -90, -450)),
    "2": drawing(arc(0.5, 0.28, 0.3, 0.28, -170, 30) + [(0.2, 1.0), (0.8, 1.0)]),
    "3": drawing(arc(0.45, 0.25, 0.28, 0.25, -150, 90) + arc(0.45, 0.74, 0.32, 0.26, -90, 150)),
    "5": drawing(
      [(0.25, 0.0), (0.22, 0.42)] + arc(0.45, 0.69, 0.32, 0.31, -130, 140), [(0.25, 0.0), (0.78, 0.0)]),
    "6": drawing([(0.65, 0.0), (0.35, 0.3), (0.2, 0.65)] + arc(0.5, 0.72, 0.3, 0.28, 180, -180)),
    "9": drawing(arc(0.48, 0.28, 0.28, 0.28, 0, -360) + [(0.74, 0.5), (0.65, 1.0)]),
  ]

  static func digit(_ name: String) -> Drawing { digits[name] ?? Drawing() }

  private typealias Path = [(x: Double, y: Double)]

  private static func drawing(_ strokes: Path...) -> Drawing {
    Drawing(strokes.map { smooth($0.map { Point(x: Float(0.2 + 0.6 * $0.x), y: Float(0.1 + 0.7 * $0.y)) }) })
  }

  /// Degrees as clock hands turn, from the right.
  private static func arc(
    _ x: Double, _ y: Double, _ radiusX: Double, _ radiusY: Double, _ from: Double, _ to: Double
  ) -> Path {
    (0...24).map { step in
      let angle = (from + (to - from) * Double(step) / 24) * .pi / 180
      return (x + radiusX * cos(angle), y + radiusY * sin(angle))
    }
  }

  /// A finger gives more than the corners.
  private static func smooth(_ points: Stroke) -> Stroke {
    var smooth: Stroke = []
    for (from, to) in zip(points, points.dropFirst()) {
      let (stepX, stepY) = ((to.x - from.x) / 4, (to.y - from.y) / 4)
      for step in 0..<4 { smooth.append(Point(x: from.x + stepX * Float(step), y: from.y + stepY * Float(step))) }
    }
    return smooth + points.suffix(1)
  }
}
