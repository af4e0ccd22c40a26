import Foundation
import Testing

@testable import MVMoE

/// An implementation of *Preprocessing* of `docs/bundle.md`, which the cases are asked of.
protocol PreprocessingReader {
  /// The levels `[C, H, W]` that are normalized, and the transform `[w, h, w', h', left, top]`.
  func levels(_ buffer: BufferCase, _ input: InputSpec) throws -> (levels: [UInt8], transform: [Int])

  /// The same transform for an upright image of this size.
  func geometry(_ width: Int, _ height: Int, _ input: InputSpec) throws -> [Int]

  /// What each level from 0 to 255 becomes, `[C, 256]`.
  func normalized(_ input: InputSpec) -> [Float]

  /// Boxes `[N, 4]` of the input in the image.
  func places(_ transform: [Int], _ boxes: [Double], cut: Bool) -> [Double]

  /// The code of the error by which a buffer is refused; nil if it is read.
  func refusal(_ buffer: BufferCase) throws -> String?
}

/// This library.
struct OwnReader: PreprocessingReader {
  func levels(_ buffer: BufferCase, _ input: InputSpec) throws -> (levels: [UInt8], transform: [Int]) {
    let (levels, transform) = try Preprocessor(input).levels(#require(buffer.pixels))
    return (levels, transform.numbers)
  }

  func geometry(_ width: Int, _ height: Int, _ input: InputSpec) throws -> [Int] {
    let rule = try #require(ResizeRules.find(input.resize))
    return try InputPlacement.of(width: width, height: height, input: input, rule: rule).numbers
  }

  func normalized(_ input: InputSpec) -> [Float] { Normalization(input).values.flatMap { $0 } }

  func places(_ transform: [Int], _ boxes: [Double], cut: Bool) -> [Double] {
    let transform = InputTransform(
      imageWidth: transform[0], imageHeight: transform[1], resizedWidth: transform[2], resizedHeight: transform[3],
      left: transform[4], top: transform[5], inputWidth: 1, inputHeight: 1)
    return stride(from: 0, to: boxes.count, by: 4).flatMap { first in
      let box = Box(left: boxes[first], top: boxes[first + 1], right: boxes[first + 2], bottom: boxes[first + 3])
      let found = transform.toImage(box, cut: cut)
      return [found.left, found.top, found.right, found.bottom]
    }
  }

  func refusal(_ buffer: BufferCase) throws -> String? {
    // What the types do not have nobody can give: the compiler refuses it.
    guard let read = buffer.pixels else { return "image.buffer-format" }
    do {
      try BufferCheck.require(read)
      return nil
    } catch let error as MVMoEError {
      return error.code.rawValue
    }
  }
}

extension InputTransform {
  /// As the cases have it.
  var numbers: [Int] { [imageWidth, imageHeight, resizedWidth, resizedHeight, left, top] }
}

extension BufferCase {
  /// As this library's type; nil where its format, matrix or range is none that the type can have.
  var pixels: PixelBuffer? {
    guard let format = PixelFormat(rawValue: format) else { return nil }
    let (matrix, valueRange) = (matrix.map(YUVMatrix.init), valueRange.map(ValueRange.init))
    if matrix == .some(nil) || valueRange == .some(nil) { return nil }
    return PixelBuffer(
      format: format, width: width, height: height,
      planes: planes.map { Plane(PixelBytes($0.bytes), rowStride: $0.rowStride, pixelStride: $0.pixelStride) },
      orientation: orientation ?? 1, matrix: matrix ?? nil, valueRange: valueRange ?? nil)
  }
}
