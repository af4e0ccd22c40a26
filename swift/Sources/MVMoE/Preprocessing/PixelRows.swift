/// Which pixels of a row are read.
enum Columns: Sendable {
  /// One after the other.
  case run(Range<Int>)

  /// Some, in any order.
  case places([Int])

  /// How many.
  var count: Int {
    switch self {
    case .run(let range): range.count
    case .places(let places): places.count
    }
  }
}

/// The rows of a stored image as levels: red, green and blue, or grey alone.
protocol PixelRows {
  /// 3, or 1 for grey.
  var channels: Int { get }

  /// Reads pixels of a row into the beginning of each channel of `levels`, which has room for them.
  func read(_ row: Int, _ columns: Columns, into levels: LevelRow)
}

/// Those of a buffer that was checked, grey for a model that takes grey; used by one thread, as long as the buffer is there.
///
/// - Parameter mostRead: the most pixels that are read at once.
func pixelRows(_ buffer: PixelBuffer, isGreyWanted: Bool, mostRead: Int) -> any PixelRows {
  let rows = storedRows(buffer)
  return isGreyWanted && rows.channels == 3 ? GreyRows(rows, mostRead: mostRead) : rows
}

private func storedRows(_ buffer: PixelBuffer) -> any PixelRows {
  switch buffer.format {
  case .grey: PackedRows(buffer, samples: [0])
  case .rgb, .rgba: PackedRows(buffer, samples: [0, 1, 2])
  case .bgra: PackedRows(buffer, samples: [2, 1, 0])
  case .nv12: YUVRows(buffer, u: (plane: 1, sample: 0), v: (plane: 1, sample: 1))
  case .nv21: YUVRows(buffer, u: (plane: 1, sample: 1), v: (plane: 1, sample: 0))
  case .yuv420: YUVRows(buffer, u: (plane: 1, sample: 0), v: (plane: 2, sample: 0))
  }
}
