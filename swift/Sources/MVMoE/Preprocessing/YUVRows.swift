/// Luma and chroma as red, green and blue, in whole numbers (`docs/bundle.md`, *Buffers*).
struct YUVRows: PixelRows {
  /// Where a channel of chroma is: in which plane, and which of its samples it is.
  typealias Chroma = (plane: Int, sample: Int)

  private let factors: YUVFactors
  private let planes: [PlaneSamples]
  private let u: Chroma
  private let v: Chroma

  init(_ buffer: PixelBuffer, u: Chroma, v: Chroma) {
    // A buffer that was checked has both.
    factors = YUVFactors.of(buffer.matrix ?? .bt601, buffer.valueRange ?? .full)
    planes = zip(buffer.planes, buffer.format.layouts).map { PlaneSamples($0, part: $1.part) }
    self.u = u
    self.v = v
  }

  var channels: Int { 3 }

  /// Luma, U and V are put where red, green and blue will be, and become these there.
  func read(_ row: Int, _ columns: Columns, into levels: LevelRow) {
    let (first, second, third) = (levels.channel(0), levels.channel(1), levels.channel(2))
    planes[0].read(0, row, columns, into: first)
    planes[u.plane].read(u.sample, row, columns, into: second)
    planes[v.plane].read(v.sample, row, columns, into: third)
    for x in 0..<columns.count {
      let (u, v) = (Int32(second[x]) &- 128, Int32(third[x]) &- 128)
      let light = factors.light &* (Int32(first[x]) &- factors.black) &+ 32768
      first[x] = Self.cut((light &+ factors.redOfV &* v) &>> 16)
      second[x] = Self.cut((light &- factors.greenOfU &* u &- factors.greenOfV &* v) &>> 16)
      third[x] = Self.cut((light &+ factors.blueOfU &* u) &>> 16)
    }
  }

  @inline(__always)
  private static func cut(_ level: Int32) -> Level { Level(truncatingIfNeeded: min(max(level, 0), 255)) }
}

/// How much of each sample a channel has, times 2^16.
private struct YUVFactors {
  let black: Int32
  let light: Int32
  let redOfV: Int32
  let greenOfU: Int32
  let greenOfV: Int32
  let blueOfU: Int32

  static func of(_ matrix: YUVMatrix, _ range: ValueRange) -> YUVFactors {
    switch (matrix, range) {
    case (.bt601, .full):
      YUVFactors(black: 0, light: 65536, redOfV: 91881, greenOfU: 22553, greenOfV: 46802, blueOfU: 116_130)
    case (.bt601, .video):
      YUVFactors(black: 16, light: 76309, redOfV: 104_597, greenOfU: 25675, greenOfV: 53279, blueOfU: 132_201)
    case (.bt709, .full):
      YUVFactors(black: 0, light: 65536, redOfV: 103_206, greenOfU: 12276, greenOfV: 30679, blueOfU: 121_609)
    case (.bt709, .video):
      YUVFactors(black: 16, light: 76309, redOfV: 117_489, greenOfU: 13975, greenOfV: 34925, blueOfU: 138_438)
    }
  }
}
