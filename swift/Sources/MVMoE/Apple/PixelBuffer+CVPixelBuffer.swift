#if canImport(CoreVideo) && canImport(ImageIO)
  import CoreVideo
  import ImageIO

  extension PixelBuffer {
    /// A camera's frame as it lies in memory: nothing is copied or converted before it is answered.
    ///
    /// The frame is locked for reading as long as the pixels are kept, and is not to be written meanwhile. It may be in the formats
    /// `420YpCbCr8BiPlanarFullRange` and `...VideoRange`, which cameras give, `420YpCbCr8Planar` and `...FullRange`, `32BGRA`,
    /// `32RGBA` and `OneComponent8`.
    ///
    /// - Parameters:
    ///   - orientation: of a frame that is not upright: one to be turned clockwise by 90 degrees is `.right`.
    ///   - matrix: nil for the one that the frame states, else ``YUVMatrix/bt601``.
    /// - Throws: ``MVMoEError`` for a frame in another format, or with colours of another matrix (`image.buffer-format`), and for
    ///   one that cannot be locked (`image.invalid`).
    public init(
      pixelBuffer: CVPixelBuffer, orientation: CGImagePropertyOrientation = .up, matrix: YUVMatrix? = nil
    ) throws {
      let layout = try FrameLayout(CVPixelBufferGetPixelFormatType(pixelBuffer))
      let isColour = layout.format.hasChroma
      self.init(
        format: layout.format, width: CVPixelBufferGetWidth(pixelBuffer), height: CVPixelBufferGetHeight(pixelBuffer),
        planes: try LockedFrame(pixelBuffer).planes(layout.strides), orientation: Int(orientation.rawValue),
        matrix: isColour ? try matrix ?? statedMatrix(of: pixelBuffer) : nil, valueRange: layout.valueRange)
    }
  }

  /// What a pixel format of Core Video is here.
  private struct FrameLayout {
    let format: PixelFormat
    var valueRange: ValueRange?

    /// Bytes from one pixel to the next, plane by plane.
    let strides: [Int]

    init(_ type: OSType) throws {
      switch type {
      case kCVPixelFormatType_420YpCbCr8BiPlanarFullRange: (format, valueRange, strides) = (.nv12, .full, [1, 2])
      case kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange: (format, valueRange, strides) = (.nv12, .video, [1, 2])
      case kCVPixelFormatType_420YpCbCr8PlanarFullRange: (format, valueRange, strides) = (.yuv420, .full, [1, 1, 1])
      case kCVPixelFormatType_420YpCbCr8Planar: (format, valueRange, strides) = (.yuv420, .video, [1, 1, 1])
      case kCVPixelFormatType_32BGRA: (format, strides) = (.bgra, [4])
      case kCVPixelFormatType_32RGBA: (format, strides) = (.rgba, [4])
      case kCVPixelFormatType_OneComponent8: (format, strides) = (.grey, [1])
      default:
        throw MVMoEError(
          .imageBufferFormat,
          "a frame in Core Video's format \(fourCharacters(type)) was given; expected 420f, 420v, f420, y420, BGRA, RGBA or "
            + "L008: set the camera's output to one of them")
      }
    }
  }

  /// A frame that stays locked for reading as long as this object.
  private final class LockedFrame {
    private let frame: CVPixelBuffer

    init(_ frame: CVPixelBuffer) throws {
      let result = CVPixelBufferLockBaseAddress(frame, .readOnly)
      guard result == kCVReturnSuccess else {
        throw MVMoEError(
          .imageInvalid, "a frame could not be locked (CVReturn \(result)); give one that is still there")
      }
      self.frame = frame
    }

    deinit { CVPixelBufferUnlockBaseAddress(frame, .readOnly) }

    /// The planes, of which the bytes from one pixel to the next are given.
    func planes(_ strides: [Int]) -> [Plane] {
      strides.enumerated().map { number, stride in
        // A frame of one plane may be one without planes.
        let isPlanar = CVPixelBufferIsPlanar(frame)
        let address =
          isPlanar ? CVPixelBufferGetBaseAddressOfPlane(frame, number) : CVPixelBufferGetBaseAddress(frame)
        let row = isPlanar ? CVPixelBufferGetBytesPerRowOfPlane(frame, number) : CVPixelBufferGetBytesPerRow(frame)
        let rows = isPlanar ? CVPixelBufferGetHeightOfPlane(frame, number) : CVPixelBufferGetHeight(frame)
        let bytes = UnsafeRawBufferPointer(start: address, count: address == nil ? 0 : row * rows)
        return Plane(PixelBytes(bytes, owner: self), rowStride: row, pixelStride: stride)
      }
    }
  }

  /// The matrix that a frame says that it has.
  private func statedMatrix(of frame: CVPixelBuffer) throws -> YUVMatrix {
    guard let stated = CVBufferCopyAttachment(frame, kCVImageBufferYCbCrMatrixKey, nil) else { return .bt601 }
    if CFEqual(stated, kCVImageBufferYCbCrMatrix_ITU_R_601_4) { return .bt601 }
    if CFEqual(stated, kCVImageBufferYCbCrMatrix_ITU_R_709_2) { return .bt709 }
    throw MVMoEError(
      .imageBufferFormat,
      "a frame with the colour matrix \(stated) was given; expected ITU_R_601_4 or ITU_R_709_2: let the camera give one of them, "
        + "or state the matrix")
  }

  /// A format as people write it: `420f`; its number where it has no characters.
  private func fourCharacters(_ type: OSType) -> String {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: type >> (24 - 8 * $0)) }
    guard bytes.allSatisfy({ (32..<127).contains($0) }) else { return "\(type)" }
    return String(decoding: bytes, as: UTF8.self)
  }
#endif
