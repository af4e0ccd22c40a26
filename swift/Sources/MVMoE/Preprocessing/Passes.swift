/// The sums that passes of a resize consist of. Eight levels, or products, are computed at once.
enum Passes {
  private static let half: Int32 = 1 << Int32(PassTable.bits - 1)

  /// A pass along one row: the table makes its samples of the row's levels, the first of which is number `first` of the
  /// table's axis.
  static func alongRow(_ row: LevelRow, first: Int, _ table: PassTable, into made: LevelRow) {
    table.weights.low.withUnsafeBufferPointer { low in
      table.weights.high.withUnsafeBufferPointer { high in
        guard let low = low.baseAddress, let high = high.baseAddress else { return }
        for channel in 0..<row.channels {
          let (levels, sums) = (row.channel(channel), made.channel(channel))
          for index in 0..<table.size {
            let place = index &* table.blocks &* 8
            sums[index] = sum(levels + (table.starts[index] &- first), low + place, high + place, table.blocks)
          }
        }
      }
    }
  }

  /// A pass along the columns: sample `index` of the table for every place of the rows that it reads.
  static func alongColumns(_ rows: [LevelRow], _ table: PassTable, index: Int, into made: LevelRow) {
    table.weights.low.withUnsafeBufferPointer { low in
      table.weights.high.withUnsafeBufferPointer { high in
        let place = index * table.blocks * 8
        rows.withUnsafeBufferPointer { rows in
          for block in 0..<(made.channels &* made.blocks) {
            var (lows, highs) = (Sums8(repeating: half), Sums8.zero)
            for tap in 0..<rows.count {
              let levels = Sums8(truncatingIfNeeded: rows[tap].block(block))
              lows &+= levels &* Sums8(repeating: Int32(low[place &+ tap]))
              highs &+= levels &* Sums8(repeating: Int32(high[place &+ tap]))
            }
            let sums = (lows &+ (highs &<< SplitWeights.shift)) &>> Int32(PassTable.bits)
            made.setBlock(
              block, Levels8(truncatingIfNeeded: sums.clamped(lowerBound: .zero, upperBound: Sums8(repeating: 255))))
          }
        }
      }
    }
  }

  /// One sample of blocks of levels and weights.
  @inline(__always)
  private static func sum(
    _ levels: UnsafePointer<Level>, _ low: UnsafePointer<Int16>, _ high: UnsafePointer<Int16>, _ blocks: Int
  ) -> Level {
    var (lows, highs) = (Sums8.zero, Sums8.zero)
    for block in 0..<blocks {
      let place = block &* 8
      let eight = Sums8(truncatingIfNeeded: loadBlock(levels + place))
      lows &+= eight &* Sums8(truncatingIfNeeded: loadBlock(low + place))
      highs &+= eight &* Sums8(truncatingIfNeeded: loadBlock(high + place))
    }
    let sum = half &+ lows.wrappedSum() &+ (highs.wrappedSum() &<< SplitWeights.shift)
    return Level(truncatingIfNeeded: min(max(sum &>> Int32(PassTable.bits), 0), 255))
  }
}
