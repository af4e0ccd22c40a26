/// The last rows of levels that a pass along the columns reads, so that each is made once.
///
/// A pass reads windows of at most `count` rows that lie one after the other, and move in one direction.
struct RowCache {
  private let rows: LevelRows
  private let make: (_ row: Int, _ levels: LevelRow) -> Void
  private var held: [Int]

  init(count: Int, channels: Int, pixels: Int, make: @escaping (_ row: Int, _ levels: LevelRow) -> Void) {
    rows = LevelRows(rows: count, channels: channels, pixels: pixels)
    held = Array(repeating: -1, count: count)
    self.make = make
  }

  /// The levels of a row; they stay until `count` others were asked for.
  mutating func row(_ number: Int) -> LevelRow {
    let place = number % held.count
    if held[place] != number {
      make(number, rows[place])
      held[place] = number
    }
    return rows[place]
  }
}
