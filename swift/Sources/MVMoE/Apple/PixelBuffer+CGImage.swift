#if canImport(CoreGraphics) && canImport(ImageIO)
  import CoreGraphics
  import ImageIO

  extension PixelBuffer {
    /// The pixels of an image, in sRGB whatever its colour space, and as they were before they were multiplied by their alpha.
    ///
    /// They are drawn, which copies them: 4 bytes a pixel. Of an image whose colours are multiplied by alpha already nothing is
    /// left where alpha is 0; one that `CGImageSource` gives for a PNG is not. Grey without a profile keeps its levels.
    ///
    /// - Parameter orientation: of an image that is not upright. A `UIImage` has another enumeration for it, by other numbers.
    /// - Throws: ``MVMoEError`` for an image without colours, of floating-point samples or Lab colours
    ///   (`image.unsupported-samples`), of more than 100 million pixels (`image.too-large`), and where there is no memory for the
    ///   copy (`limit.memory`).
    public init(cgImage: CGImage, orientation: CGImagePropertyOrientation = .up) throws {
      self = try DrawnImage(cgImage, name: "the image").pixels(orientation: Int(orientation.rawValue))
    }
  }

  /// An image drawn into memory, pixel by pixel.
  struct DrawnImage {
    private let context: CGContext
    private let format: PixelFormat

    /// - Parameter name: what messages call it.
    init(_ image: CGImage, name: String) throws {
      try Self.requireColours(image, name)
      try PictureSize(width: image.width, height: image.height).requireReadable(name)
      let canvas = image.isPlainGrey ? Canvas.grey(image) : Canvas.colour(image)
      guard let context = canvas.context(width: image.width, height: image.height) else {
        throw MVMoEError(
          .limitMemory,
          "there is no memory to draw \(name) of \(image.width) x \(image.height) pixels; give a smaller one, or decode it by "
            + "Pictures")
      }
      // Each pixel as it is: alpha included, and not mixed with others.
      context.setBlendMode(.copy)
      context.interpolationQuality = .none
      context.setRenderingIntent(.perceptual)
      context.draw(canvas.image, in: CGRect(x: 0, y: 0, width: image.width, height: image.height))
      if canvas.isMultiplied, let memory = context.data {
        Unmultiplying.unmultiply(
          memory, width: image.width, height: image.height, rowStride: context.bytesPerRow)
      }
      self.context = context
      format = canvas.format
    }

    /// The pixels; the memory belongs to the context, which they keep.
    func pixels(orientation: Int) -> PixelBuffer {
      let (width, height) = (context.width, context.height)
      let bytes = UnsafeRawBufferPointer(start: context.data, count: context.bytesPerRow * height)
      let plane = Plane(
        PixelBytes(bytes, owner: context), rowStride: context.bytesPerRow, pixelStride: format == .grey ? 1 : 4)
      return PixelBuffer(format: format, width: width, height: height, planes: [plane], orientation: orientation)
    }

    private static func requireColours(_ image: CGImage, _ name: String) throws {
      if image.isMask || image.alphaInfo == .alphaOnly {
        throw unsupported("\(name) has no colours, but alpha or a mask; give one that has colours")
      }
      if image.bitmapInfo.contains(.floatComponents) || image.bitsPerComponent > 16 {
        throw unsupported(
          "\(name) has samples of \(image.bitsPerComponent) bits or in floating point, whose range is unknown; give one of at "
            + "most 16 bits")
      }
      if image.colorSpace?.model == .lab {
        throw unsupported("\(name) has Lab colours, whose white is unknown; give one in sRGB")
      }
    }

    private static func unsupported(_ sentence: String) -> MVMoEError { MVMoEError(.imageUnsupportedSamples, sentence) }
  }

  /// What an image is drawn into, and what is drawn.
  private struct Canvas {
    let image: CGImage
    let format: PixelFormat
    let space: CGColorSpace
    let alpha: CGImageAlphaInfo
    var isMultiplied: Bool { alpha == .premultipliedLast }

    /// Levels as they are, in the image's own space.
    static func grey(_ image: CGImage) -> Canvas {
      Canvas(image: image, format: .grey, space: image.colorSpace ?? CGColorSpaceCreateDeviceGray(), alpha: .none)
    }

    /// Red, green and blue in sRGB. Memory cannot have alpha beside colours that are not multiplied by it: where an image has
    /// such, its alpha is passed over.
    static func colour(_ image: CGImage) -> Canvas {
      let space = CGColorSpace(name: CGColorSpace.sRGB) ?? CGColorSpaceCreateDeviceRGB()
      let opaque = image.isOpaque ? image : image.withoutAlpha
      return Canvas(
        image: opaque ?? image, format: .rgba, space: space, alpha: opaque == nil ? .premultipliedLast : .noneSkipLast)
    }

    func context(width: Int, height: Int) -> CGContext? {
      CGContext(
        data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 0, space: space,
        bitmapInfo: alpha.rawValue | (format == .grey ? 0 : CGBitmapInfo.byteOrder32Big.rawValue))
    }
  }

  extension CGImage {
    /// Whether no pixel has alpha.
    fileprivate var isOpaque: Bool { [.none, .noneSkipFirst, .noneSkipLast].contains(alphaInfo) }

    /// Grey without a profile: its numbers are those of sRGB, as they are of colours without one.
    fileprivate var isPlainGrey: Bool {
      guard let space = colorSpace, space.model == .monochrome, alphaInfo == .none, let name = space.name else {
        return false
      }
      return CFEqual(name, CGColorSpace.genericGrayGamma2_2) || CFEqual(name, CGColorSpaceCreateDeviceGray().name)
    }

    /// The same pixels with bytes that mean nothing in place of alpha; nil where colours are multiplied by it, and for grey.
    fileprivate var withoutAlpha: CGImage? {
      let skipped: CGImageAlphaInfo
      switch alphaInfo {
      case .last: skipped = .noneSkipLast
      case .first: skipped = .noneSkipFirst
      default: return nil
      }
      guard let space = colorSpace, space.model == .rgb, let provider = dataProvider else { return nil }
      let others = bitmapInfo.rawValue & ~CGBitmapInfo.alphaInfoMask.rawValue
      return CGImage(
        width: width, height: height, bitsPerComponent: bitsPerComponent, bitsPerPixel: bitsPerPixel,
        bytesPerRow: bytesPerRow, space: space, bitmapInfo: CGBitmapInfo(rawValue: others | skipped.rawValue),
        provider: provider, decode: decode, shouldInterpolate: false, intent: .perceptual)
    }
  }
#endif
