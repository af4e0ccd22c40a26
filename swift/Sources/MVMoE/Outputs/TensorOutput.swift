/// Numbers of any shape, of which nothing else is known.
public struct TensorOutput: Output, CustomStringConvertible {
  public let spec: OutputSpec
  public let shape: [Int]
  public let values: [Float]
}
