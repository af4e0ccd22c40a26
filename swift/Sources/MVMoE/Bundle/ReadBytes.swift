/// Tensors of a file that its file system cannot map: each is read when it is asked for.
final class ReadBytes: StoredBytes {
  private let file: OpenFile

  init(_ file: OpenFile) { self.file = file }

  func tensor(at place: StoredTensor) throws -> Tensor {
    let memory = try Mapping(byteCount: byteCount(of: place.shape, place.dtype))
    try file.read(from: place.offset, into: memory.bytes)
    return Tensor(dtype: place.dtype, shape: place.shape, bytes: memory.bytes, owner: memory)
  }

  /// Does nothing: what is read is read when it is asked for, and kept by whoever asks.
  func willNeed(_ range: Range<Int>) {}
}
