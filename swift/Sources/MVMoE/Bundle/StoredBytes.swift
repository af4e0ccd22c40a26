/// The file of weights as tensors for engines.
protocol StoredBytes: AnyObject, Sendable {
  /// A tensor as it lies in the file; it keeps the memory that it needs. Several threads may ask at once.
  ///
  /// - Throws: ``FileError`` where the file cannot be read, or is no longer what it was.
  func tensor(at place: StoredTensor) throws -> Tensor

  /// Asks for a part of the file to be in memory soon; it may take milliseconds.
  func willNeed(_ range: Range<Int>)
}
