/// One plane of grey or colour, with or without alpha; `samples` are the places of its channels in a pixel.
struct PackedRows: PixelRows {
  private let plane: PlaneSamples
  private let samples: [Int]

  init(_ buffer: PixelBuffer, samples: [Int]) {
    plane = PlaneSamples(buffer.planes[0], buffer.format.layouts[0])
    self.samples = samples
  }

  var channels: Int { samples.count }

  func read(_ row: Int, _ columns: Columns, into levels: LevelRow) {
    for (channel, sample) in samples.enumerated() { plane.read(sample, row, columns, into: levels.channel(channel)) }
  }
}
