/// Resizes the stored rows of an image to the window of the input, upright: along the upright rows first, then the columns.
///
/// An image is never turned as a whole. Where upright rows are stored columns the first pass goes along the stored columns.
/// Both ways hold no more rows at a time than one sample reads.
struct Resampler {
  private let source: any PixelRows
  private let alongRows: PassTable
  private let alongColumns: PassTable
  private let isTransposed: Bool

  /// - Parameters:
  ///   - columns: the pass along the upright rows, that makes the window's columns.
  ///   - rows: the pass along the upright columns, that makes its rows.
  init(
    _ source: any PixelRows, columns: PassTable, rows: PassTable, orientation: Orientation, storedWidth: Int,
    storedHeight: Int
  ) {
    self.source = source
    isTransposed = orientation.isTransposed
    let (along, across) = isTransposed ? (rows, columns) : (columns, rows)
    alongRows = orientation.reversesColumns ? along.reversed(samples: storedWidth) : along
    alongColumns = orientation.reversesRows ? across.reversed(samples: storedHeight) : across
  }

  /// Gives the lines of the window, one after the other: upright rows, or upright columns where the image is transposed.
  ///
  /// The levels of a line are overwritten afterwards.
  func run(_ put: (_ line: Int, _ levels: LevelRow) -> Void) {
    // What only copies along the rows rounds nothing, so that it may come first in any case.
    if isTransposed && !alongRows.copies { columnsFirst(put) } else { rowsFirst(put) }
  }

  private func rowsFirst(_ put: (Int, LevelRow) -> Void) {
    var cache = RowCache(
      count: alongColumns.longest, channels: source.channels, pixels: alongRows.size,
      make: alongRows.copied.map(copied) ?? passed())
    passAlongColumns(&cache, pixels: alongRows.size, put)
  }

  /// Makes a row of some of the stored pixels.
  private func copied(_ columns: Columns) -> (Int, LevelRow) -> Void {
    { row, levels in source.read(row, columns, into: levels) }
  }

  /// Makes a row by a pass along all that it reads.
  private func passed() -> (Int, LevelRow) -> Void {
    let read = alongRows.read
    let stored = LevelRows(rows: 1, channels: source.channels, pixels: read.count)
    return { row, levels in
      source.read(row, .run(read), into: stored[0])
      Passes.alongRow(stored[0], first: read.lowerBound, alongRows, into: levels)
    }
  }

  private func columnsFirst(_ put: (Int, LevelRow) -> Void) {
    let read = alongRows.read
    var cache = RowCache(
      count: alongColumns.longest, channels: source.channels, pixels: read.count, make: copied(.run(read)))
    let made = LevelRows(rows: 1, channels: source.channels, pixels: alongRows.size)
    passAlongColumns(&cache, pixels: read.count) { line, levels in
      withExtendedLifetime(made) {
        Passes.alongRow(levels, first: read.lowerBound, alongRows, into: made[0])
        put(line, made[0])
      }
    }
  }

  private func passAlongColumns(_ cache: inout RowCache, pixels: Int, _ put: (Int, LevelRow) -> Void) {
    let made = LevelRows(rows: 1, channels: source.channels, pixels: pixels)
    var rows = [LevelRow]()
    for index in 0..<alongColumns.size {
      let start = alongColumns.starts[index]
      if alongColumns.copies {
        put(index, cache.row(start))
      } else {
        rows.removeAll(keepingCapacity: true)
        for row in start..<(start + alongColumns.counts[index]) { rows.append(cache.row(row)) }
        withExtendedLifetime(made) {
          Passes.alongColumns(rows, alongColumns, index: index, into: made[0])
          put(index, made[0])
        }
      }
    }
  }
}
