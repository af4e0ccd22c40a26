/// Bytes with two strides: sample `s` of the pixel in column `x` and row `y` is byte `y * rowStride + x * pixelStride + s`.
public struct Plane: Sendable {
  /// Where the bytes are. Those after the last sample may be missing.
  public let bytes: PixelBytes

  /// Bytes from one row to the next.
  public let rowStride: Int

  /// Bytes from one pixel to the next.
  public let pixelStride: Int

  /// A plane over bytes.
  public init(_ bytes: PixelBytes, rowStride: Int, pixelStride: Int) {
    self.bytes = bytes
    self.rowStride = rowStride
    self.pixelStride = pixelStride
  }
}

/// Bytes of pixels, which are read where they lie.
///
/// It is `@unchecked Sendable` because they are only read, and whoever gives them leaves them as they are until the image is
/// answered.
public struct PixelBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let owner: AnyObject

  /// Memory of `owner`, which is kept.
  public init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
  }

  /// A copy of an array.
  public init(_ array: [UInt8]) {
    let copy = CopiedBytes(array)
    self.init(copy.bytes, owner: copy)
  }

  /// Reads the bytes where they lie, which is valid until `body` returns.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(bytes)
  }
}

private final class CopiedBytes {
  let bytes: UnsafeRawBufferPointer

  init(_ array: [UInt8]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: array.count, alignment: 16)
    memory.copyBytes(from: array)
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit { bytes.deallocate() }
}

/// What the samples of a buffer are (`docs/bundle.md`, *Buffers*).
public enum PixelFormat: String, Sendable, CaseIterable {
  /// Grey.
  case grey = "L"

  /// Red, green, blue.
  case rgb = "RGB"

  /// Red, green, blue, alpha: the colour as it is, whatever its alpha.
  case rgba = "RGBA"

  /// Blue, green, red, alpha: the colour as it is, whatever its alpha.
  case bgra = "BGRA"

  /// Luma, and chroma in pairs of which U comes first.
  case nv12 = "NV12"

  /// Luma, and chroma in pairs of which V comes first.
  case nv21 = "NV21"

  /// Luma, U, V, each in a plane of its own.
  case yuv420 = "YUV420"
}

/// How luma and chroma become red, green and blue.
public enum YUVMatrix: String, Sendable, CaseIterable {
  /// ITU-R BT.601: most cameras, and JPEG.
  case bt601

  /// ITU-R BT.709: video of high definition.
  case bt709
}

/// Which levels luma and chroma use.
public enum ValueRange: String, Sendable, CaseIterable {
  /// 0 to 255.
  case full

  /// Luma 16 to 235, chroma 16 to 240.
  case video
}

/// Pixels in memory, as cameras and decoders give them; they are read when an image is answered, and not copied before.
///
/// Sizes, strides and orientation are checked then, each with its code (`image.buffer-...`).
public struct PixelBuffer: Sendable {
  /// What the samples are.
  public let format: PixelFormat

  /// In pixels, before the image is turned.
  public let width: Int

  /// In pixels, before the image is turned.
  public let height: Int

  /// One, or those of luma and chroma.
  public let planes: [Plane]

  /// EXIF's number, 1 to 8. A camera's "rotate clockwise by 0, 90, 180, 270 degrees" is 1, 6, 3, 8.
  public let orientation: Int

  /// Nil for a format without chroma.
  public let matrix: YUVMatrix?

  /// Nil for a format without chroma.
  public let valueRange: ValueRange?

  /// A buffer; it is checked when an image is answered.
  public init(
    format: PixelFormat, width: Int, height: Int, planes: [Plane], orientation: Int = 1, matrix: YUVMatrix? = nil,
    valueRange: ValueRange? = nil
  ) {
    self.format = format
    self.width = width
    self.height = height
    self.planes = planes
    self.orientation = orientation
    self.matrix = matrix
    self.valueRange = valueRange
  }
}

extension PixelBuffer {
  /// Grey pixels, a byte each, row after row.
  public static func grey(_ bytes: [UInt8], width: Int, height: Int, orientation: Int = 1) -> PixelBuffer {
    packed(.grey, bytes, width, height, samples: 1, orientation)
  }

  /// Pixels of red, green and blue, three bytes each, row after row.
  public static func rgb(_ bytes: [UInt8], width: Int, height: Int, orientation: Int = 1) -> PixelBuffer {
    packed(.rgb, bytes, width, height, samples: 3, orientation)
  }

  /// Pixels of red, green, blue and alpha, four bytes each, row after row.
  public static func rgba(_ bytes: [UInt8], width: Int, height: Int, orientation: Int = 1) -> PixelBuffer {
    packed(.rgba, bytes, width, height, samples: 4, orientation)
  }

  private static func packed(
    _ format: PixelFormat, _ bytes: [UInt8], _ width: Int, _ height: Int, samples: Int, _ orientation: Int
  ) -> PixelBuffer {
    // A width that makes no sense is refused with all others, when the image is answered.
    let (stride, overflows) = width.multipliedReportingOverflow(by: samples)
    let plane = Plane(PixelBytes(bytes), rowStride: overflows ? Int.max : max(stride, 0), pixelStride: samples)
    return PixelBuffer(format: format, width: width, height: height, planes: [plane], orientation: orientation)
  }
}
