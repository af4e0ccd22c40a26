#if canImport(CoreGraphics) && canImport(ImageIO)
  import CoreGraphics
  import Foundation
  import ImageIO
  import Testing

  @testable import MVMoE

  /// Images of Core Graphics and Image I/O, which only Apple's systems have.
  @Suite struct PicturesTests {
    private let folder = TemporaryFolder()

    /// Colours that differ from pixel to pixel, each with an alpha of its own.
    private let colours = (0..<24).map { UInt8(10 * $0 + 7) }
    private let alphas: [UInt8] = [255, 200, 128, 40, 255, 1, 90, 254]

    @Test(arguments: [CGImageAlphaInfo.noneSkipLast, .last])
    func coloursAreTakenWhateverTheirAlpha(alpha: CGImageAlphaInfo) throws {
      let image = try image(pixels(alpha: alphas), alpha)
      #expect(try levels(PixelBuffer(cgImage: image)) == planar(colours))
    }

    @Test func coloursAreAsTheyWereBeforeTheyWereMultiplied() throws {
      let multiplied = pixels(alpha: alphas).enumerated().map { place, level in
        let alpha = Int(alphas[place / 4])
        return place % 4 == 3 ? level : UInt8((Int(level) * alpha + 127) / 255)
      }
      let found = try levels(PixelBuffer(cgImage: image(multiplied, .premultipliedLast)))
      for (place, level) in planar(colours).enumerated() {
        // Of eight bits a small alpha leaves few.
        #expect(abs(Int(found[place]) - Int(level)) <= 2 + 255 / (2 * Int(alphas[place % 8])))
      }
    }

    @Test func greyWithoutAProfileKeepsItsLevels() throws {
      let grey = try image(Array(colours.prefix(8)), .none, samples: 1)
      let found = try levels(PixelBuffer(cgImage: grey))
      #expect(found == Array([colours.prefix(8), colours.prefix(8), colours.prefix(8)].joined()))
    }

    @Test func aMaskIsRefused() throws {
      let provider = try provider(Array(colours.prefix(8)))
      let mask = try #require(
        CGImage(
          maskWidth: 4, height: 2, bitsPerComponent: 8, bitsPerPixel: 8, bytesPerRow: 4, provider: provider,
          decode: nil, shouldInterpolate: false))
      #expect(refusal { try PixelBuffer(cgImage: mask) }?.code == .imageUnsupportedSamples)
    }

    @Test func aPictureOfAFileIsThatOfItsPixels() async throws {
      let file = folder["picture.png"]
      try encoded(image(pixels(alpha: alphas), .last)).write(to: file)
      #expect(near(try levels(await Pictures().decode(contentsOf: file)), planar(colours)))
    }

    @Test(arguments: 1...8) func aPictureIsTurnedUpright(orientation: Int) throws {
      let data = try encoded(image(pixels(alpha: alphas), .noneSkipLast), orientation: orientation)
      let found = try Pictures().decode(data)
      #expect(found.orientation == orientation)
      #expect((found.width, found.height) == (4, 2))
    }

    @Test func aLargePictureIsDecodedSmaller() throws {
      let grey = try image([UInt8](repeating: 99, count: 900 * 600), .none, width: 900, height: 600, samples: 1)
      let found = try Pictures(maxPixels: 200_000).decode(encoded(grey))
      #expect(found.width * found.height <= 200_000)
      #expect(abs(Double(found.width) / Double(found.height) - 1.5) < 0.02)
      #expect(Set(try levels(found)).isSubset(of: [98, 99, 100]))
    }

    @Test func whatIsNoPictureIsRefused() throws {
      let whole = try encoded(image(pixels(alpha: alphas), .noneSkipLast))
      for data in [Data(), Data([1, 2, 3]), whole.prefix(20)] {
        #expect(refusal { try Pictures().decode(data) }?.code == .imageDamaged)
      }
      #expect(refusal { try Pictures().decode(contentsOf: folder["nothing.png"]) }?.code == .imageUnreadable)
      #expect(refusal { try Pictures(maxPixels: 0).decode(whole) }?.code == .inputOption)
    }

    /// Four by two pixels of red, green, blue and alpha.
    private func pixels(alpha: [UInt8]) -> [UInt8] {
      var pixels: [UInt8] = []
      for pixel in 0..<8 {
        pixels += colours[(3 * pixel)..<(3 * pixel + 3)]
        pixels.append(alpha[pixel])
      }
      return pixels
    }

    /// The same channel by channel.
    private func planar(_ pixels: [UInt8]) -> [UInt8] {
      (0..<3).flatMap { channel in stride(from: channel, to: pixels.count, by: 3).map { pixels[$0] } }
    }

    private func image(
      _ bytes: [UInt8], _ alpha: CGImageAlphaInfo, width: Int = 4, height: Int = 2, samples: Int = 4
    ) throws -> CGImage {
      let grey = samples == 1
      let space = try #require(grey ? CGColorSpaceCreateDeviceGray() : CGColorSpace(name: CGColorSpace.sRGB))
      let provider = try provider(bytes)
      return try #require(
        CGImage(
          width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 8 * samples, bytesPerRow: width * samples,
          space: space, bitmapInfo: CGBitmapInfo(rawValue: alpha.rawValue), provider: provider, decode: nil,
          shouldInterpolate: false, intent: .perceptual))
    }

    private func provider(_ bytes: [UInt8]) throws -> CGDataProvider {
      try #require(CGDataProvider(data: NSData(data: Data(bytes)) as CFData))
    }

    private func encoded(_ image: CGImage, orientation: Int = 1) throws -> Data {
      let data = NSMutableData()
      let png = try #require(CGImageDestinationCreateWithData(data as CFMutableData, NSString("public.png"), 1, nil))
      let properties = NSDictionary(dictionary: [kCGImagePropertyOrientation: orientation]) as CFDictionary
      CGImageDestinationAddImage(png, image, properties)
      try #require(CGImageDestinationFinalize(png))
      return data as Data
    }

    /// The levels `[3, H, W]` of a buffer as it is stored.
    private func levels(_ buffer: PixelBuffer) throws -> [UInt8] {
      let input = InputSpec(
        height: buffer.height, width: buffer.width, channelOrder: .rgb, resize: "squash", cropFraction: 1,
        resizeSize: nil, padLevel: nil, padPlace: nil, padRounding: nil, interpolation: "nearest",
        mean: [0, 0, 0], std: [1, 1, 1])
      return try Preprocessor(input).levels(buffer).levels
    }

    private func near(_ found: [UInt8], _ expected: [UInt8]) -> Bool {
      found.count == expected.count && zip(found, expected).allSatisfy { abs(Int($0) - Int($1)) <= 2 }
    }
  }
#endif
