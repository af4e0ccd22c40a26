/// The memory of one image in an input, of any type.
struct BytesRow {
  private let tensor: Tensor
  private let places: Range<Int>

  init(_ tensor: Tensor, position: Int) {
    let size = tensor.bytes.count / tensor.shape[0]
    self.tensor = tensor
    places = position * size..<(position + 1) * size
  }

  /// All bytes of the image.
  var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: tensor.bytes[places]) }

  /// Writes 0 everywhere.
  func clear() { _ = bytes.initializeMemory(as: UInt8.self, repeating: 0) }
}
