/// One input or output of a graph.
public struct TensorSpec: Sendable {
  /// Its short name.
  public let name: String

  /// Its sizes, the batch first.
  public let shape: [Int]

  /// The type of its numbers.
  public let dtype: DType

  /// For an input that takes an image as it is; else nil.
  public let pixels: PixelScaling?

  /// The number of its elements; `Int.max` where an `Int` cannot count them.
  public var elements: Int { elementCount(of: shape) }
}
