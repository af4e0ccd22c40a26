/// Refuses what a caller gives instead of images `[B, C, H, W]`: an engine reads the memory of a tensor by its shape.
struct ImageCheck: Sendable {
  /// `[C, H, W]`.
  private let shape: [Int]

  /// How many numbers one image has.
  let size: Int

  init(shape: [Int]) {
    self.shape = shape
    size = shape.reduce(1, *)
  }

  /// How many images a tensor has.
  ///
  /// - Throws: ``MVMoEError`` for another shape or type (`input.shape`).
  func count(_ images: Tensor) throws -> Int {
    guard images.dtype == .float32, images.shape.count == 4, Array(images.shape.dropFirst()) == shape,
      images.shape[0] > 0
    else { throw refused("a tensor of \(images.dtype.rawValue) \(images.shape)", found: images.shape) }
    let numbers = images.bytes.count / MemoryLayout<Float>.size
    guard images.bytes.count.isMultiple(of: MemoryLayout<Float>.size), numbers.isMultiple(of: size),
      numbers / size == images.shape[0]
    else { throw refused("a tensor \(images.shape) with memory for \(numbers) numbers", found: [numbers]) }
    return images.shape[0]
  }

  /// How many images there are in some numbers; throws as ``count(_:)-(Tensor)`` does.
  func count(_ images: [Float]) throws -> Int {
    guard !images.isEmpty, images.count.isMultiple(of: size) else {
      throw refused("\(images.count) numbers", found: [images.count])
    }
    return images.count / size
  }

  private func refused(_ given: String, found: [Int]) -> MVMoEError {
    let sizes = shape.map(String.init).joined(separator: ", ")
    return MVMoEError(
      .inputShape, "\(given) was given; expected float32 [B, \(sizes)] with at least one image",
      fields: ["expected": .list(shape.map(ErrorValue.integer)), "found": .list(found.map(ErrorValue.integer))])
  }
}
