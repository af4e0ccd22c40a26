/// Makes of a drawing what the digits of the data set are (E. Alpaydin and C. Kaynak, "Optical Recognition of
/// Handwritten Digits", UCI 1998): white ink on black that reaches from the top to the bottom, of one thickness however
/// large it was drawn, in a raster of which 4 x 4 points are one pixel.
struct DrawnImage {
  /// The pen's radius, of the height: of those tried the one whose digits the demo's model knows best. Its digits are
  /// as bold.
  private static let pen: Float = 2.7 / 32

  /// What the data set's digits take of the width, as a rule.
  private static let usualWidth: Float = 0.75

  /// A drawing that is smaller, of the canvas, is a dot: it is not blown up.
  private static let smallest: Float = 0.05

  /// An input of more pixels has a point for each: the raster would not fit into memory, and is fine enough.
  private static let mostFinePixels = 1 << 22

  private let width: Int
  private let height: Int
  private let points: Int
  private let columns: Int
  private let rows: Int
  private let radius: Float

  /// - Parameters:
  ///   - width: of the model's input, in pixels.
  ///   - height: of the model's input, in pixels.
  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    points = width * height > Self.mostFinePixels ? 1 : 4
    columns = points * width
    rows = points * height
    radius = Self.pen * Float(rows)
  }

  /// A place in the raster.
  private struct Place {
    var x: Float
    var y: Float
  }

  /// Grey levels `[height, width]`, row after row.
  func grey(_ drawing: Drawing) -> GreyImage {
    var inked = [Bool](repeating: false, count: columns * rows)
    for stroke in placed(drawing) {
      guard var last = stroke.first else { continue }
      for place in stroke {
        ink(&inked, last, place)
        last = place
      }
    }
    let levels = (0..<height).flatMap { y in (0..<width).map { x in level(inked, x, y) } }
    return GreyImage(width: width, height: height, levels: levels)
  }

  /// Scaled and moved to the middle, so that it fills the raster's height, or as much of its width as the data set's
  /// digits do.
  private func placed(_ drawing: Drawing) -> [[Place]] {
    let all = drawing.strokes.joined()
    guard let left = all.map(\.x).min(), let right = all.map(\.x).max(), let top = all.map(\.y).min(),
      let bottom = all.map(\.y).max()
    else { return [] }
    let scale = min(
      (Float(rows) - 2 * radius) / max(bottom - top, Self.smallest),
      (Self.usualWidth * Float(columns) - 2 * radius) / max(right - left, Self.smallest))
    return drawing.strokes.map { stroke in
      stroke.map { point in
        Place(
          x: (point.x - (left + right) / 2) * scale + Float(columns) / 2,
          y: (point.y - (top + bottom) / 2) * scale + Float(rows) / 2)
      }
    }
  }

  /// Inks the points of the raster that are no farther than the pen's radius from a line.
  private func ink(_ inked: inout [Bool], _ from: Place, _ to: Place) {
    for row in near(from.y, to.y, rows) {
      for column in near(from.x, to.x, columns) {
        let isNear = squaredDistance(Float(column) + 0.5, Float(row) + 0.5, from, to) <= radius * radius
        if isNear { inked[row * columns + column] = true }
      }
    }
  }

  /// The places of a row or column that may be near: a wide input's drawing may lie outside of nothing.
  private func near(_ from: Float, _ to: Float, _ size: Int) -> Range<Int> {
    let first = max(0, (min(from, to) - radius).rounded(.down))
    let end = min(Float(size), (max(from, to) + radius).rounded(.up) + 1)
    return first < end ? Int(first)..<Int(end) : 0..<0
  }

  private func squaredDistance(_ x: Float, _ y: Float, _ from: Place, _ to: Place) -> Float {
    let (dx, dy) = (to.x - from.x, to.y - from.y)
    let length = dx * dx + dy * dy
    let along = length == 0 ? 0 : min(max(((x - from.x) * dx + (y - from.y) * dy) / length, 0), 1)
    let (offX, offY) = (x - from.x - along * dx, y - from.y - along * dy)
    return offX * offX + offY * offY
  }

  private func level(_ inked: [Bool], _ x: Int, _ y: Int) -> UInt8 {
    var count = 0
    for row in y * points..<(y + 1) * points {
      for column in x * points..<(x + 1) * points where inked[row * columns + column] { count += 1 }
    }
    return UInt8((Float(count) * 255 / Float(points * points)).rounded())
  }
}
