/// What graphs gave, by image; images that did not get there have nothing.
final class GivenRows: Rows {
  private var rows: [[UInt8]?]

  init(images: Int) { rows = Array(repeating: nil, count: images) }

  /// Keeps what a graph gave for the image at a position of its batch.
  func take(_ image: Int, from tensor: Tensor, position: Int) {
    rows[image] = Array(UnsafeRawBufferPointer(tensor.row(position)))
  }

  func write(_ image: Int, to tensor: Tensor, position: Int) {
    rows[image]?.withUnsafeBytes { tensor.row(position).copyMemory(from: $0) }
  }

  /// What an image has, of fp32.
  func floats(_ image: Int) -> [Float] {
    guard let row = rows[image] else { return [] }
    return row.withUnsafeBytes { Array($0.assumingMemoryBound(to: Float.self)) }
  }
}
