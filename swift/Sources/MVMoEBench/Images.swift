import Foundation
import MVMoE

/// Images, each `[1, C, H, W]` of fp32 in memory of its own that nothing writes.
final class Images: Sendable {
  /// Each image.
  let tensors: [Tensor]

  /// `[C, H, W]`.
  let shape: [Int]

  /// How many there are.
  var count: Int { tensors.count }

  /// Images in memory, each `[C, H, W]`.
  init(_ images: [[Float]], shape: [Int]) {
    tensors = images.map { Tensor($0, shape: [1] + shape) }
    self.shape = shape
  }

  private init(tensors: [Tensor], shape: [Int]) {
    self.tensors = tensors
    self.shape = shape
  }

  /// An image, which an order names by its number.
  ///
  /// - Throws: `MVMoEError` for a number without an image (`input.invalid`).
  func image(_ number: Int) throws -> Tensor {
    guard tensors.indices.contains(number) else {
      throw MVMoEError(
        .inputInvalid, "image \(number) was ordered, and there are \(count); use one version on both sides")
    }
    return tensors[number]
  }

  /// The images of a `.npy` file, as NumPy's `save` writes it: version 1, C order, little-endian.
  static func read(_ file: URL) throws -> Images {
    let content = try fileContents(file)
    let fixed = 10
    guard content.count >= fixed else { throw refused(file, "\(content.count) bytes") }
    let length = Int(content[8]) | Int(content[9]) << 8
    let header = String(decoding: content.dropFirst(fixed).prefix(length), as: UTF8.self)
    guard let shape = shape(header), let size = bytes(of: shape), content.count == fixed + length + size else {
      throw refused(file, header)
    }
    // In memory of their own: a mapped page that comes in late would be timed with an answer.
    let tensors = (0..<shape[0]).map { number in
      let tensor = Tensor(dtype: .float32, shape: [1] + shape.dropFirst())
      let one = tensor.bytes.count
      content.dropFirst(fixed + length + number * one).prefix(one).withUnsafeBytes { tensor.bytes.copyMemory(from: $0) }
      return tensor
    }
    return Images(tensors: tensors, shape: Array(shape.dropFirst()))
  }

  /// `[n, C, H, W]`; nil for what is no array of fp32 in C order.
  private static func shape(_ header: String) -> [Int]? {
    guard header.contains("'descr': '<f4', 'fortran_order': False, 'shape': ("),
      let open = header.firstIndex(of: "("), let close = header.firstIndex(of: ")"), open < close
    else { return nil }
    let sizes = header[header.index(after: open)..<close].split(separator: ",").map {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    let shape = sizes.compactMap(\.self).filter { $0 > 0 }
    return shape.count == sizes.count && shape.count > 1 ? shape : nil
  }

  private static func bytes(of shape: [Int]) -> Int? {
    shape.reduce(Optional(DType.float32.bytes)) { product, size in
      product.flatMap {
        let (result, overflows) = $0.multipliedReportingOverflow(by: size); return overflows ? nil : result
      }
    }
  }

  private static func refused(_ file: URL, _ found: String) -> MVMoEError {
    MVMoEError(.inputInvalid, "\(file.path) holds \(quoted(found)); expected images of float32 in C order")
  }
}
