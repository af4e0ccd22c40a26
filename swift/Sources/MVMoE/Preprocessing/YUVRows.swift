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
    planes = zip(buffer.planes, buffer.format.layouts).map { PlaneSamples($0, $1) }
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
    for place in stride(from: 0, to: columns.count, by: 8) {
      let (u, v) = (second.eight(place) &- factors.grey, third.eight(place) &- factors.grey)
      let light = factors.light &* (first.eight(place) &- factors.black) &+ factors.half
      first.setEight(place, Self.level(light &+ factors.redOfV &* v))
      second.setEight(place, Self.level(light &- factors.greenOfU &* u &- factors.greenOfV &* v))
      third.setEight(place, Self.level(light &+ factors.blueOfU &* u))
    }
  }

  @inline(__always)
  private static func level(_ sum: Levels8) -> Levels8 { (sum &>> Levels8(repeating: 16)).cut }
}

/// How much of each sample a channel has, times 2^16; eight times over.
private struct YUVFactors {
  let black: Levels8
  let light: Levels8
  let redOfV: Levels8
  let greenOfU: Levels8
  let greenOfV: Levels8
  let blueOfU: Levels8

  /// Chroma without colour.
  let grey = Levels8(repeating: 128)
  let half = Levels8(repeating: 32768)

  init(black: Int32, light: Int32, redOfV: Int32, greenOfU: Int32, greenOfV: Int32, blueOfU: Int32) {
    self.black = Levels8(repeating: black)
    self.light = Levels8(repeating: light)
    self.redOfV = Levels8(repeating: redOfV)
    self.greenOfU = Levels8(repeating: greenOfU)
    self.greenOfV = Levels8(repeating: greenOfV)
    self.blueOfU = Levels8(repeating: blueOfU)
  }

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
