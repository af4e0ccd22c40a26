import MVMoE

/// Gives the colour of a buffer's pixel.
protocol PixelColours {
  func colour(x: Int, y: Int) -> (red: UInt8, green: UInt8, blue: UInt8)
}

/// The bytes of a plane while they are read.
struct PlaneBytes {
  let bytes: UnsafeRawBufferPointer
  let rowStride: Int
  let pixelStride: Int

  /// From a later byte on.
  func moved(by count: Int) -> PlaneBytes {
    PlaneBytes(bytes: UnsafeRawBufferPointer(rebasing: bytes[count...]), rowStride: rowStride, pixelStride: pixelStride)
  }

  @inline(__always)
  func level(x: Int, y: Int, sample: Int = 0) -> UInt8 { bytes[y * rowStride + x * pixelStride + sample] }
}

extension Plane {
  /// Reads it where it lies.
  func read<Result>(_ work: (PlaneBytes) -> Result) -> Result {
    bytes.withUnsafeBytes { work(PlaneBytes(bytes: $0, rowStride: rowStride, pixelStride: pixelStride)) }
  }
}

/// Samples of a pixel side by side.
struct PackedColours: PixelColours {
  private let plane: PlaneBytes
  private let red: Int
  private let green: Int
  private let blue: Int

  init(_ plane: PlaneBytes, red: Int, green: Int, blue: Int) {
    self.plane = plane
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  func colour(x: Int, y: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    (
      plane.level(x: x, y: y, sample: red), plane.level(x: x, y: y, sample: green),
      plane.level(x: x, y: y, sample: blue)
    )
  }
}

/// Luma for each pixel, chroma for 2 x 2.
struct YUVColours: PixelColours {
  let luma: PlaneBytes
  let u: PlaneBytes
  let v: PlaneBytes

  func colour(x: Int, y: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    let luma = Float(luma.level(x: x, y: y))
    let u = Float(u.level(x: x / 2, y: y / 2)) - 128
    let v = Float(v.level(x: x / 2, y: y / 2)) - 128
    return (
      Self.level(luma + 1.402 * v), Self.level(luma - 0.344136 * u - 0.714136 * v), Self.level(luma + 1.772 * u)
    )
  }

  private static func level(_ value: Float) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
}
