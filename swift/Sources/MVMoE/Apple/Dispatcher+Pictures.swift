#if canImport(CoreGraphics) && canImport(CoreVideo) && canImport(ImageIO)
  import CoreGraphics
  import CoreVideo
  import ImageIO

  extension Dispatcher {
    /// The answer for an image: as ``predict(_:choices:)``, of ``PixelBuffer/init(cgImage:orientation:)``.
    ///
    /// It is drawn on no actor.
    ///
    /// - Parameter orientation: of an image that is not upright.
    public func predict(
      _ image: CGImage, orientation: CGImagePropertyOrientation = .up, choices: [String: String] = [:],
      isolation: isolated (any Actor)? = #isolation
    ) async throws -> Prediction {
      try await predict(UnchangingImage(image: image), orientation, choices)
    }

    private func predict(
      _ image: UnchangingImage, _ orientation: CGImagePropertyOrientation, _ choices: [String: String]
    ) async throws -> Prediction {
      try await predict(PixelBuffer(cgImage: image.image, orientation: orientation), choices: choices)
    }

    /// The answer for a camera's frame: as ``predict(_:choices:)``, of ``PixelBuffer/init(pixelBuffer:orientation:matrix:)``.
    ///
    /// Nothing is copied: the frame is locked for reading until it is answered.
    ///
    /// - Parameters:
    ///   - orientation: of a frame that is not upright: one to be turned clockwise by 90 degrees is `.right`.
    ///   - matrix: nil for the one that the frame states.
    public func predict(
      _ frame: CVPixelBuffer, orientation: CGImagePropertyOrientation = .up, matrix: YUVMatrix? = nil,
      choices: [String: String] = [:], isolation: isolated (any Actor)? = #isolation
    ) async throws -> Prediction {
      try await predict(PixelBuffer(pixelBuffer: frame, orientation: orientation, matrix: matrix), choices: choices)
    }
  }

  /// An image on its way to where it is drawn.
  ///
  /// It is `@unchecked Sendable` because a `CGImage` never changes and may be read by several threads, whether its type says so or
  /// not.
  private struct UnchangingImage: @unchecked Sendable {
    let image: CGImage
  }
#endif
