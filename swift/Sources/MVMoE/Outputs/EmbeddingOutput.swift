/// A vector `[D]` whose direction is what counts: what is alike points the same way.
public struct EmbeddingOutput: Output, CustomStringConvertible {
  public let spec: OutputSpec
  public let shape: [Int]
  public let values: [Float]

  /// The vector `[D]` with the length 1, for an index of vectors; zeros stay zeros.
  public func normalized() -> [Float] { direction(of: values).map(Float.init) }

  /// The cosine of this vector and another `[D]`, from -1 to 1; 0 where one is of zeros.
  ///
  /// - Throws: ``MVMoEError`` for a vector of another length (`input.shape`).
  public func cosine(_ other: [Float]) throws -> Double {
    guard other.count == values.count else {
      throw MVMoEError(
        .inputShape, "a vector of \(other.count) numbers was given; expected \(values.count), as the embedding has",
        fields: ["expected": .list(shape.map(ErrorValue.integer)), "found": [.integer(other.count)]])
    }
    return MVMoE.cosine(of: values, other)
  }

  /// As that of its values.
  public func cosine(_ other: EmbeddingOutput) throws -> Double { try cosine(other.values) }
}
