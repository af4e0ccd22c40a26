import Testing

@testable import MVMoE

@Suite struct PixelRowsTests {
  private static let width = 16
  private static let height = 6

  @Test("Some pixels of a row are those of the whole row", arguments: PixelFormat.allCases)
  func places(format: PixelFormat) {
    let places = [15, 0, 3, 4, 4, 9]
    let buffer = buffer(format)
    withExtendedLifetime(buffer) {
      for isGreyWanted in [false, true] {
        let rows = pixelRows(buffer, isGreyWanted: isGreyWanted, mostRead: Self.width)
        for row in 0..<Self.height {
          let whole = read(rows, row, .run(0..<Self.width))
          #expect(read(rows, row, .places(places)) == whole.map { channel in places.map { channel[$0] } })
          #expect(read(rows, row, .run(3..<14)) == whole.map { Array($0[3..<14]) })
        }
      }
    }
  }

  private func read(_ rows: any PixelRows, _ row: Int, _ columns: Columns) -> [[Level]] {
    let levels = LevelRows(rows: 1, channels: rows.channels, pixels: columns.count)
    rows.read(row, columns, into: levels[0])
    return withExtendedLifetime(levels) {
      (0..<rows.channels).map { Array(UnsafeBufferPointer(start: levels[0].channel($0), count: columns.count)) }
    }
  }

  /// With gaps between its pixels and its rows.
  private func buffer(_ format: PixelFormat) -> PixelBuffer {
    let planes = format.layouts.enumerated().map { number, layout in
      let pixelStride = layout.samples + 1
      let rowStride = pixelStride * Self.width + 5
      let bytes = PreprocessingSuite.madeBytes(seed: 5, run: number + 1, length: rowStride * Self.height)
      return Plane(PixelBytes(bytes), rowStride: rowStride, pixelStride: pixelStride)
    }
    return PixelBuffer(
      format: format, width: Self.width, height: Self.height, planes: planes, matrix: .bt709, valueRange: .full)
  }
}
