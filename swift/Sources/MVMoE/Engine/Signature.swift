/// An input or output as an engine finds it in a graph.
public struct Signature: Sendable, CustomStringConvertible {
  /// The input's or output's.
  public let name: String

  /// Its sizes; those that a graph leaves open are -1.
  public let shape: [Int]

  /// The type by its name in manifests (`float32`); any other text for a type that bundles do not have.
  public let dtype: String

  /// A signature, for those who write an ``Engine``.
  public init(name: String, shape: [Int], dtype: String) {
    self.name = name
    self.shape = shape
    self.dtype = dtype
  }

  public var description: String { "\(name) \(dtype) \(shape)" }

  /// Whether it is what the manifest says of an input or output of that name.
  func fits(_ spec: TensorSpec) -> Bool { dtype == spec.dtype.rawValue && shape == spec.shape }
}
