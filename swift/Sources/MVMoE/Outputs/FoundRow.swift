/// A row of a detector that is a box, in pixels of the input.
struct FoundRow {
  /// Pixels: edges of one row that are no further apart say the same place.
  static let samePlace = 0.5

  let row: Int
  let box: Box
  let index: Int
  let score: Double

  /// How far the score is from changing whether the row is a box, or its class.
  let margin: Double

  /// Whether it keeps an area if each edge is moved by ``samePlace``.
  var isLarge: Bool { min(box.width, box.height) > 2 * Self.samePlace }
}
