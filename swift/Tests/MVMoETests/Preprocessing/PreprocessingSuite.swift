import Foundation
import Testing

@testable import MVMoE

/// A case of `tests/conformance/preprocessing`.
protocol PreprocessingCase: Decodable, Sendable {
  /// One of its own in all files.
  var name: String { get }

  /// Whether a reader gives what is expected.
  func isMet(by reader: any PreprocessingReader) throws -> Bool
}

/// The cases of `tests/conformance/preprocessing`, as they stand in its files.
enum PreprocessingSuite {
  /// Every file with what its cases are; those of images that take a while are the last ones.
  static let files: [(name: String, type: any PreprocessingCase.Type)] = [
    ("geometry", GeometryCase.self), ("normalizing", NormalizingCase.self), ("boxes", BoxesCase.self),
    ("refused", RefusedCase.self), ("buffers", PixelCase.self), ("orientations", PixelCase.self),
    ("resizing", PixelCase.self), ("large", PixelCase.self),
  ]

  static var fileNames: [String] { files.map(\.name) }

  static func cases(_ file: String) throws -> [any PreprocessingCase] {
    let type = try #require(files.first { $0.name == file }?.type)
    return try decoded(file, type)
  }

  private static func decoded<Case: PreprocessingCase>(_ file: String, _ type: Case.Type) throws -> [Case] {
    let url = RepositoryFiles.conformance("preprocessing/cases/\(file).json")
    return try JSONDecoder().decode(CaseFile<Case>.self, from: Data(contentsOf: url)).cases
  }

  /// The bytes of the formula in the suite's README.
  static func madeBytes(seed: Int, run: Int, length: Int) -> [UInt8] {
    let start = UInt32(truncatingIfNeeded: seed) &* 0x9E37_79B9
    return [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
      var (made, index, left) = (UInt8(0), UInt32(0), 0)
      for place in 0..<length {
        if left == 0 {
          made = madeByte(index &+ start)
          (index, left) = (index &+ 1, run)
        }
        bytes[place] = made
        left &-= 1
      }
      count = length
    }
  }

  private static func madeByte(_ number: UInt32) -> UInt8 {
    var x = number
    x = (x ^ (x &>> 16)) &* 0x7FEB_352D
    x = (x ^ (x &>> 15)) &* 0x846C_A68B
    return UInt8(truncatingIfNeeded: x ^ (x &>> 16))
  }
}

private struct CaseFile<Case: Decodable>: Decodable {
  let cases: [Case]
}

/// A plane of a case: stored bytes, or made ones.
struct PlaneCase: Decodable, Sendable {
  var rowStride: Int
  var pixelStride: Int
  var bytes: [UInt8]

  init(rowStride: Int, pixelStride: Int, bytes: [UInt8]) {
    self.rowStride = rowStride
    self.pixelStride = pixelStride
    self.bytes = bytes
  }

  private enum Key: String, CodingKey {
    case rowStride = "row_stride"
    case pixelStride = "pixel_stride"
    case base64, seed, run, length
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    rowStride = try fields.decode(Int.self, forKey: .rowStride)
    pixelStride = try fields.decode(Int.self, forKey: .pixelStride)
    if let stored = try fields.decodeIfPresent(Data.self, forKey: .base64) {
      bytes = [UInt8](stored)
    } else {
      bytes = PreprocessingSuite.madeBytes(
        seed: try fields.decode(Int.self, forKey: .seed), run: try fields.decode(Int.self, forKey: .run),
        length: try fields.decode(Int.self, forKey: .length))
    }
  }
}

/// A buffer of a case, whose format, matrix and range may be none that there are.
struct BufferCase: Decodable, Sendable {
  var format: String
  var width: Int
  var height: Int
  var planes: [PlaneCase]
  var orientation: Int?
  var matrix: String?
  var valueRange: String?

  private enum CodingKeys: String, CodingKey {
    case format, width, height, planes, orientation, matrix
    case valueRange = "value_range"
  }
}

extension InputSpec: Decodable {
  private enum Key: String, CodingKey {
    case height, width, resize, interpolation, mean, std
    case channelOrder = "channel_order"
    case cropFraction = "crop_fraction"
    case resizeSize = "resize_size"
    case padLevel = "pad_level"
    case padPlace = "pad_place"
    case padRounding = "pad_rounding"
  }

  /// An `input` of the cases, which have all fields that their rule reads.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let order = try fields.decode(String.self, forKey: .channelOrder)
    guard let channelOrder = ChannelOrder(rawValue: order) else {
      throw DecodingError.dataCorruptedError(forKey: .channelOrder, in: fields, debugDescription: order)
    }
    self.init(
      height: try fields.decode(Int.self, forKey: .height), width: try fields.decode(Int.self, forKey: .width),
      channelOrder: channelOrder, resize: try fields.decode(String.self, forKey: .resize),
      cropFraction: try fields.decodeIfPresent(Double.self, forKey: .cropFraction) ?? 1,
      resizeSize: try fields.decodeIfPresent(Int.self, forKey: .resizeSize),
      padLevel: try fields.decodeIfPresent(Int.self, forKey: .padLevel),
      padPlace: try fields.decodeIfPresent(String.self, forKey: .padPlace),
      padRounding: try fields.decodeIfPresent(String.self, forKey: .padRounding),
      interpolation: try fields.decode(String.self, forKey: .interpolation),
      mean: try fields.decode([Double].self, forKey: .mean), std: try fields.decode([Double].self, forKey: .std))
  }
}
