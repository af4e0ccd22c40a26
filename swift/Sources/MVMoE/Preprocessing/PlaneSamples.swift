/// The samples of one plane of a buffer that was checked, read where they lie.
struct PlaneSamples {
  private let bytes: UnsafePointer<UInt8>
  private let rowStride: Int
  private let pixelStride: Int

  /// By how many bits a column or row of the image is shifted to be one of the plane.
  private let shift: Int

  init(_ plane: Plane, _ layout: PlaneLayout) {
    guard let bytes = plane.bytes.bytes.baseAddress else { preconditionFailure("a plane that was checked has bytes") }
    self.bytes = bytes.assumingMemoryBound(to: UInt8.self)
    rowStride = plane.rowStride
    pixelStride = plane.pixelStride
    shift = layout.part - 1
  }

  /// One sample of each of the pixels of a row, all of which have their numbers in the image.
  func read(_ sample: Int, _ row: Int, _ columns: Columns, into levels: UnsafeMutablePointer<Level>) {
    let first = bytes + (row >> shift) * rowStride + sample
    switch columns {
    case .run(let pixels):
      read(first + (pixels.lowerBound >> shift) * pixelStride, pixels, into: levels)
    case .places(let places):
      for place in 0..<places.count { levels[place] = Level(first[(places[place] &>> shift) &* pixelStride]) }
    }
  }

  /// Strides that the compiler knows make faster code.
  private func read(_ first: UnsafePointer<UInt8>, _ pixels: Range<Int>, into levels: UnsafeMutablePointer<Level>) {
    switch (shift, pixelStride) {
    case (0, 1): Self.read(first, stride: 1, pixels.count, into: levels)
    case (0, 3): Self.read(first, stride: 3, pixels.count, into: levels)
    case (0, 4): Self.read(first, stride: 4, pixels.count, into: levels)
    case (0, _): Self.read(first, stride: pixelStride, pixels.count, into: levels)
    default: Self.readTwice(first, stride: pixelStride, pixels, into: levels)
    }
  }

  @inline(__always)
  private static func read(
    _ first: UnsafePointer<UInt8>, stride: Int, _ count: Int, into levels: UnsafeMutablePointer<Level>
  ) {
    for place in 0..<count { levels[place] = Level(first[place &* stride]) }
  }

  /// Each sample is that of two pixels, the first of which has an even number.
  private static func readTwice(
    _ first: UnsafePointer<UInt8>, stride: Int, _ pixels: Range<Int>, into levels: UnsafeMutablePointer<Level>
  ) {
    let before = pixels.lowerBound & 1
    for place in 0..<pixels.count { levels[place] = Level(first[((place &+ before) &>> 1) &* stride]) }
  }
}
