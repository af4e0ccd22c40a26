/// A level of one channel, 0 to 255, in the type in which passes multiply it.
typealias Level = Int16

/// Eight levels, which are computed at once.
typealias Levels8 = SIMD8<Level>

/// Eight sums.
typealias Sums8 = SIMD8<Int32>

/// One row of levels in the memory of a ``LevelRows``: a channel after the other.
struct LevelRow {
  /// The first level of the first channel.
  let levels: UnsafeMutablePointer<Level>

  /// Channels, and how many blocks of eight levels each has room for.
  let channels: Int
  let blocks: Int

  /// The first level of a channel.
  @inline(__always)
  func channel(_ number: Int) -> UnsafeMutablePointer<Level> { levels + number &* blocks &* 8 }

  /// Eight levels of the row.
  @inline(__always)
  func block(_ number: Int) -> Levels8 { loadBlock(levels + number &* 8) }

  @inline(__always)
  func setBlock(_ number: Int, _ block: Levels8) { storeBlock(block, levels + number &* 8) }
}

/// Memory for rows of levels, channel after channel.
///
/// Each channel has room for whole blocks of eight levels and one block more: passes read blocks that begin anywhere, and give
/// no weight to what is behind the last level.
final class LevelRows {
  private let memory: UnsafeMutablePointer<Level>
  private let channels: Int
  private let blocks: Int

  init(rows: Int, channels: Int, pixels: Int) {
    self.channels = channels
    blocks = (pixels + 7) / 8 + 1
    memory = .allocate(capacity: rows * channels * blocks * 8)
    memory.initialize(repeating: 0, count: rows * channels * blocks * 8)
  }

  deinit { memory.deallocate() }

  /// A row; its memory is there as long as this object.
  subscript(row: Int) -> LevelRow {
    LevelRow(levels: memory + row * channels * blocks * 8, channels: channels, blocks: blocks)
  }
}

/// Eight levels from a place that need not be the beginning of a block.
@inline(__always)
func loadBlock(_ levels: UnsafePointer<Level>) -> Levels8 { UnsafeRawPointer(levels).loadUnaligned(as: Levels8.self) }

@inline(__always)
func storeBlock(_ block: Levels8, _ levels: UnsafeMutablePointer<Level>) {
  UnsafeMutableRawPointer(levels).storeBytes(of: block, as: Levels8.self)
}
