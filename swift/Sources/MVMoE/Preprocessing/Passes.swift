/// The sums that passes of a resize consist of. Eight products are computed at once.
enum Passes {
  private static let half: Int32 = 1 << Int32(PassTable.bits - 1)

  /// A pass along one row: the table makes its samples of the row's levels, the first of which is number `first` of the
  /// table's axis.
  static func alongRow(_ row: LevelRow, first: Int, _ table: PassTable, into made: LevelRow) {
    table.weights.withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
      for channel in 0..<row.channels {
        let (levels, samples) = (row.channel(channel), made.channel(channel))
        for index in 0..<table.size {
          // No block begins behind the last level that is read.
          let (place, blocks) = (index &* table.blocks &* 8, (table.counts[index] &+ 7) &>> 3)
          samples[index] = sample(levels + (table.starts[index] &- first), weights + place, blocks)
        }
      }
    }
  }

  /// One sample of blocks of levels and weights.
  @inline(__always)
  private static func sample(_ levels: UnsafePointer<Level>, _ weights: UnsafePointer<Int32>, _ blocks: Int) -> Level {
    var sums = Levels8.zero
    for block in 0..<blocks { sums &+= levels.eight(8 &* block) &* weights.eight(8 &* block) }
    return min(max((half &+ sums.wrappedSum()) &>> Int32(PassTable.bits), 0), 255)
  }

  /// A pass along the columns: sample `index` of the table for every place of the rows that it reads.
  static func alongColumns(_ rows: [LevelRow], _ table: PassTable, index: Int, into made: LevelRow) {
    let first = index * table.blocks * 8
    table.weights.withUnsafeBufferPointer { weights in
      rows.withUnsafeBufferPointer { rows in
        for block in 0..<(made.channels &* made.blocks) {
          var sums = Levels8(repeating: half)
          for tap in 0..<rows.count {
            sums &+= rows[tap].levels.eight(8 &* block) &* Levels8(repeating: weights[first &+ tap])
          }
          made.levels.setEight(8 &* block, (sums &>> Levels8(repeating: Int32(PassTable.bits))).cut)
        }
      }
    }
  }
}
