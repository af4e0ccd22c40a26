/// How many boxes of both sides are counted, and how many of these the other side has too.
struct BoxComparison {
  /// Two boxes of one class that overlap by this much are the same.
  ///
  /// Less than what leaves a box out: a box that is left out on one side only, since rounding took its overlap across that
  /// bound, is then the same as the box that it was left out for.
  private static let sameBox = 0.45

  private let given: DetectorRows
  private let wanted: DetectorRows
  private let limit: Double
  private let ours: [FoundRow]
  private let theirs: [FoundRow]

  init(given: DetectorRows, wanted: DetectorRows, limit: Double) {
    self.given = given
    self.wanted = wanted
    self.limit = limit
    ours = given.found()
    theirs = wanted.found()
  }

  /// The share of counted boxes that are found again; nil where none is counted.
  func share() -> Double? {
    let counted = ours.count(where: isCounted) + theirs.count(where: isCounted)
    let same = again(ours, among: theirs, of: wanted) + again(theirs, among: ours, of: given)
    return counted == 0 ? nil : Double(same) / Double(counted)
  }

  /// Below 0 nothing is a near-tie.
  private var leavesOut: Bool { limit >= 0 }

  private func isCounted(_ row: FoundRow) -> Bool { row.margin > limit && (!leavesOut || row.isLarge) }

  private func again(_ some: [FoundRow], among others: [FoundRow], of rows: DetectorRows) -> Int {
    some.count { row in
      isCounted(row)
        && (isAmong(row.box, row.index, others) || (leavesOut && isInPlace(row, rows, others)))
    }
  }

  private func isAmong(_ box: Box, _ index: Int, _ others: [FoundRow]) -> Bool {
    others.contains { $0.index == index && overlap(box, $0.box) >= Self.sameBox }
  }

  /// Whether the other side has the box at the same row and place: the row is there, or was left out for one it overlaps.
  private func isInPlace(_ row: FoundRow, _ rows: DetectorRows, _ others: [FoundRow]) -> Bool {
    let place = rows.box(of: row.row)
    return isNear(row.box, place) && isAmong(place, row.index, others)
  }

  private func isNear(_ one: Box, _ other: Box) -> Bool {
    max(
      abs(one.left - other.left), abs(one.top - other.top), abs(one.right - other.right),
      abs(one.bottom - other.bottom)
    ) <= FoundRow.samePlace
  }
}
