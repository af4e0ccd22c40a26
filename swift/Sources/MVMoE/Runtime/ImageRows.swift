/// Preprocessed images `[n, C, H, W]`, as a caller has them.
final class ImageRows: Rows {
  /// Where they lie.
  enum Source {
    case tensor(Tensor)
    case numbers([Float])
  }

  private let source: Source

  /// The bytes of one image.
  private let size: Int

  /// - Parameter numbers: how many numbers one image has.
  init(_ source: Source, numbers: Int) {
    self.source = source
    size = numbers * MemoryLayout<Float>.size
  }

  func write(_ image: Int, to tensor: Tensor, position: Int) {
    switch source {
    case .tensor(let images): copy(image, UnsafeRawBufferPointer(images.bytes), tensor.row(position))
    case .numbers(let numbers): numbers.withUnsafeBytes { copy(image, $0, tensor.row(position)) }
    }
  }

  private func copy(_ image: Int, _ images: UnsafeRawBufferPointer, _ row: UnsafeMutableRawBufferPointer) {
    row.copyMemory(from: UnsafeRawBufferPointer(rebasing: images[(image * size)..<((image + 1) * size)]))
  }
}
