#if canImport(CoreGraphics) && canImport(ImageIO)
  import CoreGraphics
  import Foundation
  import ImageIO

  /// Decodes pictures by Image I/O, as `docs/bundle.md` wants them: 8 bits a channel, in sRGB, the colour under alpha kept, upright
  /// by their EXIF orientation.
  ///
  /// ```swift
  /// let pixels = try await Pictures().decode(data)
  /// ```
  ///
  /// A picture of more than ``maxPixels`` is decoded at a half, a quarter or an eighth of its sides, so that it fits: one of 100
  /// megapixels takes the memory of a small one. Its answer may then differ a little from that for all of its pixels. Of several
  /// pictures in a file it is the first.
  public struct Pictures: Sendable {
    /// The most pixels that are decoded; 16 million are 64 MB, twice over while they are copied.
    public let maxPixels: Int

    /// A decoder.
    public init(maxPixels: Int = 16_000_000) { self.maxPixels = maxPixels }

    /// The picture in a file. It blocks; in a task use the method of this name that is awaited.
    ///
    /// - Throws: ``MVMoEError`` that says what is wrong with it: it cannot be read (`image.unreadable`), is no picture that the
    ///   system decodes, is damaged or cut off (`image.damaged`), has more than 100 million pixels (`image.too-large`), or samples
    ///   whose range is unknown (`image.unsupported-samples`); where there is no memory for it (`limit.memory`), and for a
    ///   ``maxPixels`` below 1 (`input.option`).
    public func decode(contentsOf url: URL) throws -> PixelBuffer {
      let name = "picture \(url.path)"
      do {
        // What the system has in its cache of files is not copied.
        return try decoded(Data(contentsOf: url, options: .mappedIfSafe), name)
      } catch let error as CocoaError {
        throw MVMoEError(
          .imageUnreadable, "\(name) cannot be read (\(error.localizedDescription)); give one that exists", cause: error
        )
      }
    }

    /// The picture in the bytes of a file, as a photo picker gives them; it throws as ``decode(contentsOf:)-(URL)`` does.
    public func decode(_ data: Data) throws -> PixelBuffer { try decoded(data, "the picture") }

    /// As ``decode(contentsOf:)-(URL)``, off the caller's actor.
    public func decode(contentsOf url: URL) async throws -> PixelBuffer {
      let decode: (URL) throws -> PixelBuffer = decode(contentsOf:)
      return try decode(url)
    }

    /// As ``decode(_:)-(Data)``, off the caller's actor.
    public func decode(_ data: Data) async throws -> PixelBuffer { try decoded(data, "the picture") }

    private func decoded(_ data: Data, _ name: String) throws -> PixelBuffer {
      guard maxPixels > 0 else {
        throw MVMoEError(.inputOption, "maxPixels \(maxPixels) was given; expected a number above 0")
      }
      // What Image I/O has made on the way is freed before anything else is.
      return try autoreleasepool {
        let source = try EncodedPicture(data, name)
        return try DrawnImage(source.image(atMost: maxPixels), name: name).pixels(orientation: source.orientation)
      }
    }
  }

  /// A picture that is not decoded yet.
  private struct EncodedPicture {
    private let name: String
    private let source: CGImageSource
    private let size: PictureSize

    /// EXIF's number.
    let orientation: Int

    init(_ data: Data, _ name: String) throws {
      let options = NSDictionary(dictionary: [kCGImageSourceShouldCache: false]) as CFDictionary
      guard let source = CGImageSourceCreateWithData(NSData(data: data) as CFData, options),
        let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, options)
      else { throw Self.damaged(name) }
      let facts = properties as NSDictionary
      size = PictureSize(
        width: facts[kCGImagePropertyPixelWidth] as? Int ?? 0, height: facts[kCGImagePropertyPixelHeight] as? Int ?? 0)
      guard !size.isEmpty else { throw Self.damaged(name) }
      try size.requireReadable(name)
      let stated = facts[kCGImagePropertyOrientation] as? Int ?? 1
      // Others, of which 0 is "undefined", turn nothing.
      orientation = (1...8).contains(stated) ? stated : 1
      self.name = name
      self.source = source
    }

    /// The picture, made smaller where it has more pixels than these; it is decoded when it is drawn.
    func image(atMost mostPixels: Int) throws -> CGImage {
      let divisor = size.divisor(leaving: mostPixels)
      var options: [CFString: Any] = [kCGImageSourceShouldCache: false]
      if divisor > 1 { options[kCGImageSourceSubsampleFactor] = divisor }
      guard let image = CGImageSourceCreateImageAtIndex(source, 0, NSDictionary(dictionary: options) as CFDictionary)
      else { throw Self.damaged(name) }
      guard CGImageSourceGetStatusAtIndex(source, 0) == .statusComplete else { throw Self.damaged(name) }
      return image.width * image.height > mostPixels ? try thumbnail(atMost: mostPixels) : image
    }

    /// For formats that are not divided; it is made of the picture, not one that the file brings.
    private func thumbnail(atMost mostPixels: Int) throws -> CGImage {
      let options: [CFString: Any] = [
        kCGImageSourceCreateThumbnailFromImageAlways: true, kCGImageSourceCreateThumbnailWithTransform: false,
        kCGImageSourceThumbnailMaxPixelSize: size.longerSide(leaving: mostPixels), kCGImageSourceShouldCache: false,
      ]
      guard
        let image = CGImageSourceCreateThumbnailAtIndex(source, 0, NSDictionary(dictionary: options) as CFDictionary)
      else { throw Self.damaged(name) }
      return image
    }

    private static func damaged(_ name: String) -> MVMoEError {
      MVMoEError(
        .imageDamaged,
        "\(name) is of no format that this system decodes, or is damaged or cut off; save it again as JPEG or PNG")
    }
  }
#endif
