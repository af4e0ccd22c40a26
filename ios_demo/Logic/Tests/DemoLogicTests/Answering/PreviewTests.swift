import MVMoE
import Testing

@testable import DemoLogic

@Suite struct PreviewTests {
  private let preview = Preview(longest: 8)
  private static let colours: [[UInt8]] = [
    [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [0x12, 0x34, 0x56],
  ]

  /// Columns by rows of the upright image, as EXIF says where the buffer's first row and column are.
  @Test(arguments: [
    (1, [0, 1, 2, 3, 4, 5]), (2, [2, 1, 0, 5, 4, 3]), (3, [5, 4, 3, 2, 1, 0]), (4, [3, 4, 5, 0, 1, 2]),
    (5, [0, 3, 1, 4, 2, 5]), (6, [3, 0, 4, 1, 5, 2]), (7, [5, 2, 4, 1, 3, 0]), (8, [2, 5, 1, 4, 0, 3]),
  ])
  func eachOrientationStandsUpright(_ orientation: Int, _ places: [Int]) throws {
    let bytes: [UInt8] = Self.colours.flatMap { colour -> [UInt8] in colour + [77] }
    let picture = try #require(
      preview.picture(of: .rgba(bytes, width: 3, height: 2, orientation: orientation)))
    #expect((picture.width, picture.height) == (orientation < 5 ? (3, 2) : (2, 3)))
    let seen: [UInt8] = places.flatMap { place -> [UInt8] in Self.colours[place] + [255] }
    #expect(picture.rgba == seen)
    #expect(picture.scale == 1)
  }

  @Test(arguments: [(1, 1), (9000, 1), (1, 9000), (640, 480)])
  func picturesOfAnySizeBecomeSmallOnes(_ width: Int, _ height: Int) throws {
    let bytes = (0..<width * height).flatMap { _ in [16, 32, 48] as [UInt8] }
    let picture = try #require(preview.picture(of: .rgb(bytes, width: width, height: height)))
    #expect((1...8).contains(picture.width) && (1...8).contains(picture.height))
    #expect(picture.rgba == (0..<picture.width * picture.height).flatMap { _ in [16, 32, 48, 255] as [UInt8] })
  }

  @Test func eachLayoutHasItsColours() throws {
    let packed: [(PixelFormat, [UInt8], [UInt8])] = [
      (.grey, [9], [9, 9, 9, 255]), (.rgb, [1, 2, 3], [1, 2, 3, 255]), (.rgba, [1, 2, 3, 4], [1, 2, 3, 255]),
      (.bgra, [1, 2, 3, 4], [3, 2, 1, 255]),
    ]
    for (format, bytes, seen) in packed {
      let plane = Plane(PixelBytes(bytes), rowStride: bytes.count, pixelStride: bytes.count)
      let buffer = PixelBuffer(format: format, width: 1, height: 1, planes: [plane])
      #expect(preview.picture(of: buffer)?.rgba == seen)
    }
  }

  /// Luma, U and V of BT.601 for red, with rows that are longer than needed.
  @Test(arguments: [PixelFormat.nv12, .nv21, .yuv420])
  func framesOfACameraHaveTheirColours(_ format: PixelFormat) throws {
    let luma = Plane(PixelBytes([UInt8](repeating: 76, count: 16)), rowStride: 8, pixelStride: 1)
    let chroma: [Plane] =
      switch format {
      case .nv12: [Plane(PixelBytes([85, 255, 85, 255]), rowStride: 6, pixelStride: 2)]
      case .nv21: [Plane(PixelBytes([255, 85, 255, 85]), rowStride: 6, pixelStride: 2)]
      default: [[85, 85], [255, 255]].map { Plane(PixelBytes($0), rowStride: 5, pixelStride: 1) }
      }
    let picture = try #require(
      preview.picture(
        of: PixelBuffer(format: format, width: 4, height: 2, planes: [luma] + chroma, orientation: 6)))
    #expect((picture.width, picture.height) == (2, 4))
    for pixel in 0..<8 {
      let (red, green, blue) = (picture.rgba[4 * pixel], picture.rgba[4 * pixel + 1], picture.rgba[4 * pixel + 2])
      #expect(red >= 253 && green <= 2 && blue <= 2)
    }
  }

  /// The library says what is wrong with them, when they are answered.
  @Test func buffersThatContradictThemselvesHaveNoPicture() {
    let byte = Plane(PixelBytes([1]), rowStride: 1, pixelStride: 1)
    let buffers = [
      PixelBuffer.grey([1], width: 2, height: 1), .grey([], width: 0, height: 0), .grey([1], width: -1, height: 1),
      .rgba([1, 2, 3], width: 1, height: 1), .grey([1], width: .max, height: .max),
      PixelBuffer(format: .nv12, width: 1, height: 1, planes: [byte]),
      PixelBuffer(format: .yuv420, width: 2, height: 2, planes: [byte, byte, byte]),
      PixelBuffer(
        format: .grey, width: 2, height: 2, planes: [Plane(PixelBytes([1, 2]), rowStride: .max, pixelStride: .max)]),
      PixelBuffer(
        format: .grey, width: 2, height: 2, planes: [Plane(PixelBytes([1, 2, 3, 4]), rowStride: -2, pixelStride: 1)]),
    ]
    for buffer in buffers { #expect(preview.picture(of: buffer) == nil) }
  }
}
