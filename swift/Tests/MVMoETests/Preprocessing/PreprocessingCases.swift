import Foundation

@testable import MVMoE

/// Levels of a buffer.
struct PixelCase: PreprocessingCase {
  struct Expected: Decodable, Sendable {
    let transform: [Int]
    let sha256: String
    let base64: Data?
  }

  let name: String
  let buffer: BufferCase
  let input: InputSpec
  let expected: Expected

  func isMet(by reader: any PreprocessingReader) throws -> Bool {
    let (levels, transform) = try reader.levels(buffer, input)
    guard transform == expected.transform, levels.count == input.shape.reduce(1, *) else { return false }
    if let stored = expected.base64, [UInt8](stored) != levels { return false }
    return try SHA256Digest.hexadecimalDigits(of: levels) == expected.sha256
  }
}

/// Where the input lies in images of some sizes.
struct GeometryCase: PreprocessingCase {
  let name: String
  let input: InputSpec
  let transforms: [[Int]]

  func isMet(by reader: any PreprocessingReader) throws -> Bool {
    try transforms.allSatisfy { try reader.geometry($0[0], $0[1], input) == $0 }
  }
}

/// What levels become, bit by bit.
struct NormalizingCase: PreprocessingCase {
  let name: String
  let input: InputSpec
  let expected: Data

  func isMet(by reader: any PreprocessingReader) -> Bool {
    let found = reader.normalized(input).flatMap { number in
      withUnsafeBytes(of: number.bitPattern.littleEndian) { [UInt8]($0) }
    }
    return found == [UInt8](expected)
  }
}

/// Boxes of the input in the image, bit by bit.
struct BoxesCase: PreprocessingCase {
  let name: String
  let transform: [Int]
  let boxes: [String]
  let cut: [String]
  let notCut: [String]

  private enum CodingKeys: String, CodingKey {
    case name, transform, boxes, cut
    case notCut = "not_cut"
  }

  func isMet(by reader: any PreprocessingReader) -> Bool {
    bits(reader.places(transform, numbers(boxes), cut: true)) == bits(numbers(cut))
      && bits(reader.places(transform, numbers(boxes), cut: false)) == bits(numbers(notCut))
  }

  private func numbers(_ texts: [String]) -> [Double] {
    texts.compactMap { UInt64($0, radix: 16).map(Double.init(bitPattern:)) }
  }

  private func bits(_ numbers: [Double]) -> [UInt64] { numbers.map(\.bitPattern) }
}

/// A buffer that is refused, or not.
struct RefusedCase: PreprocessingCase {
  let name: String
  let buffer: BufferCase
  let code: String?

  func isMet(by reader: any PreprocessingReader) throws -> Bool { try reader.refusal(buffer) == code }
}
