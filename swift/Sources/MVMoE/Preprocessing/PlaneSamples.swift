/// The samples of one plane of a buffer that was checked, read where they lie.
struct PlaneSamples {
  private let bytes: UnsafePointer<UInt8>
  private let rowStride: Int
  private let pixelStride: Int
  private let shift: Int

  /// - Parameter part: how many columns, and rows, of the image share one of the plane's pixels.
  init(_ plane: Plane, part: Int = 1) {
    guard let bytes = plane.bytes.bytes.baseAddress else { preconditionFailure("a plane that was checked has bytes") }
    self.bytes = bytes.assumingMemoryBound(to: UInt8.self)
    rowStride = plane.rowStride
    pixelStride = plane.pixelStride
    shift = part == 2 ? 1 : 0
  }

  /// One sample of each of the pixels of a row, that have their numbers in the image.
  func read(_ sample: Int, _ row: Int, _ columns: Columns, into levels: UnsafeMutablePointer<Level>) {
    let first = bytes + (row >> shift) * rowStride + sample
    switch columns {
    case .run(let pixels) where shift == 0:
      copy(first + pixels.lowerBound * pixelStride, pixels.count, into: levels)
    case .run(let pixels):
      for (place, x) in pixels.enumerated() { levels[place] = Level(first[(x &>> shift) &* pixelStride]) }
    case .places(let places):
      for (place, x) in places.enumerated() { levels[place] = Level(first[(x &>> shift) &* pixelStride]) }
    }
  }

  /// Strides that a compiler knows make code that reads several pixels at once.
  private func copy(_ first: UnsafePointer<UInt8>, _ count: Int, into levels: UnsafeMutablePointer<Level>) {
    switch pixelStride {
    case 1: Self.copy(first, 1, count, into: levels)
    case 3: Self.copy(first, 3, count, into: levels)
    case 4: Self.copy(first, 4, count, into: levels)
    default: Self.copy(first, pixelStride, count, into: levels)
    }
  }

  @inline(__always)
  private static func copy(
    _ first: UnsafePointer<UInt8>, _ stride: Int, _ count: Int, into levels: UnsafeMutablePointer<Level>
  ) {
    for place in 0..<count { levels[place] = Level(first[place &* stride]) }
  }
}
