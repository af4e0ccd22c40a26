/// A level of one channel, 0 to 255, in the type in which passes multiply it.
typealias Level = Int32

/// Eight levels, or sums of products of levels, which are computed at once.
typealias Levels8 = SIMD8<Level>

/// One row of levels in the memory of a ``LevelRows``: a channel after the other.
struct LevelRow {
  /// The first level of the first channel.
  let levels: UnsafeMutablePointer<Level>

  let channels: Int

  /// How many blocks of eight levels each channel has room for.
  let blocks: Int

  /// The first level of a channel.
  @inline(__always)
  func channel(_ number: Int) -> UnsafeMutablePointer<Level> { levels + number &* blocks &* 8 }
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

  /// A row; its memory is there as long as this object, which whoever uses the row keeps (`withExtendedLifetime`).
  subscript(row: Int) -> LevelRow {
    LevelRow(levels: memory + row * channels * blocks * 8, channels: channels, blocks: blocks)
  }
}

extension UnsafePointer<Level> {
  /// Eight numbers from a place on; it need not be the beginning of a block.
  @inline(__always)
  func eight(_ place: Int) -> Levels8 { UnsafeRawPointer(self + place).loadUnaligned(as: Levels8.self) }
}

extension UnsafeMutablePointer<Level> {
  /// Eight numbers from a place on.
  @inline(__always)
  func eight(_ place: Int) -> Levels8 { UnsafePointer(self).eight(place) }

  @inline(__always)
  func setEight(_ place: Int, _ levels: Levels8) {
    UnsafeMutableRawPointer(self + place).storeBytes(of: levels, as: Levels8.self)
  }
}

extension Levels8 {
  /// Cut to 0 to 255.
  @inline(__always)
  var cut: Levels8 {
    let most = Levels8(repeating: 255)
    return most &- (most &- positive).positive
  }

  /// Zeros instead of negative numbers: the shifted sign is all ones there.
  @inline(__always)
  private var positive: Levels8 { self & ~(self &>> Levels8(repeating: 31)) }
}
