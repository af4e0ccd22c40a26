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
    for place in stride(from: 0, to: columns.count, by: 8) {
      let sum =
        Levels8(repeating: 19595) &* red.eight(place) &+ Levels8(repeating: 38470) &* green.eight(place)
        &+ Levels8(repeating: 7471) &* blue.eight(place) &+ Levels8(repeating: 32768)
      levels.levels.setEight(place, sum &>> Levels8(repeating: 16))
    }
  }
}
