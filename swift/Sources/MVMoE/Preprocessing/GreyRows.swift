/// Grey of colour, as `docs/bundle.md` has it, *Preprocessing*, step 2.
struct GreyRows: PixelRows {
  private let colours: any PixelRows
  private let row: LevelRows

  /// - Parameter mostRead: the most pixels that are read at once.
  init(_ colours: any PixelRows, mostRead: Int) {
    self.colours = colours
    row = LevelRows(rows: 1, channels: 3, pixels: mostRead)
  }

  var channels: Int { 1 }

  func read(_ row: Int, _ columns: Columns, into levels: LevelRow) {
    let colour = self.row[0]
    colours.read(row, columns, into: colour)
    let (red, green, blue) = (colour.channel(0), colour.channel(1), colour.channel(2))
    for x in 0..<columns.count {
      let sum = 19595 &* Int32(red[x]) &+ 38470 &* Int32(green[x]) &+ 7471 &* Int32(blue[x]) &+ 32768
      levels.levels[x] = Level(truncatingIfNeeded: sum &>> 16)
    }
  }
}
