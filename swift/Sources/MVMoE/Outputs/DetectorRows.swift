/// Rows `[N, 4 + C]` of one image: left, top, right, bottom in pixels of the input, then C scores.
struct DetectorRows {
  /// The columns that are no scores.
  static let coordinates = 4

  /// A row is a box from this score on.
  private static let leastScore = 0.25

  /// Of two boxes of one class that overlap by more, the one with the lower score is left out.
  private static let mostOverlap = 0.5

  private let values: [Float]
  private let rows: Int
  private let width: Int

  init(_ values: [Float], shape: [Int]) {
    self.values = values
    rows = shape[0]
    width = shape[1]
  }

  /// The boxes after non-maximum suppression within each class, the highest score first, of equal ones the earlier row.
  func found() -> [FoundRow] {
    var kept: [Int: [FoundRow]] = [:]
    let ordered = (0..<rows).compactMap(counted)
      .sorted { $0.score > $1.score || ($0.score == $1.score && $0.row < $1.row) }
    return ordered.filter { row in
      let isKept = kept[row.index, default: []].allSatisfy { overlap($0.box, row.box) <= Self.mostOverlap }
      if isKept { kept[row.index, default: []].append(row) }
      return isKept
    }
  }

  /// The box of a row.
  func box(of row: Int) -> Box { Box(left: at(row, 0), top: at(row, 1), right: at(row, 2), bottom: at(row, 3)) }

  /// A row if its best score is high enough and its box has an area, else nil.
  private func counted(_ row: Int) -> FoundRow? {
    let scores = ClassScores(
      values: values, first: row * width + Self.coordinates, step: 1, classes: width - Self.coordinates)
    let index = scores.best()
    let score = scores[index]
    let box = box(of: row)
    // Nothing counts that is no number.
    guard score >= Self.leastScore, box.right > box.left, box.bottom > box.top else { return nil }
    return FoundRow(
      row: row, box: box, index: index, score: score, margin: min(abs(score - Self.leastScore), scores.margin()))
  }

  private func at(_ row: Int, _ column: Int) -> Double { Double(values[row * width + column]) }
}
