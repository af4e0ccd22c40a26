/// A tensor in the file `weights`: little-endian, in C order.
public struct StoredTensor: Sendable {
  /// From the beginning of the file: a multiple of 64.
  public let offset: Int

  /// Its sizes.
  public let shape: [Int]

  /// The type of its numbers.
  public let dtype: DType
}
