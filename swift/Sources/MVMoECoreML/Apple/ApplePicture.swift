#if canImport(CoreML)
  import CoreVideo
  import Foundation

  /// A buffer of pixels that a model takes, and what is written into it before each run.
  struct ApplePicture {
    let buffer: CVPixelBuffer
    private let picture: Picture

    init(_ picture: Picture) throws {
      self.picture = picture
      let format = picture.isGrey ? kCVPixelFormatType_OneComponent8 : kCVPixelFormatType_32BGRA
      var made: CVPixelBuffer?
      let result = CVPixelBufferCreate(nil, picture.width, picture.height, format, nil, &made)
      guard result == kCVReturnSuccess, let made else { throw PictureError(code: result) }
      buffer = made
    }

    /// Writes the pixels that the input holds now.
    func update() throws {
      let result = CVPixelBufferLockBaseAddress(buffer, [])
      guard result == kCVReturnSuccess else { throw PictureError(code: result) }
      defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
      let (row, rows) = (CVPixelBufferGetBytesPerRow(buffer), CVPixelBufferGetHeight(buffer))
      guard let address = CVPixelBufferGetBaseAddress(buffer) else { throw PictureError(code: result) }
      picture.write(to: UnsafeMutableRawBufferPointer(start: address, count: row * rows), bytesPerRow: row)
    }
  }

  /// Core Video has no buffer for a picture.
  struct PictureError: LocalizedError {
    let code: CVReturn

    var errorDescription: String? { "Core Video gives no memory for the input's pixels (\(code))" }
  }
#endif
