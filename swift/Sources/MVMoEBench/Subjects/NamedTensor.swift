import MVMoE

/// An output of a subject, in memory that it uses again.
struct NamedTensor {
  let name: String
  let tensor: Tensor

  init(_ name: String, _ tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }

  /// A copy of what it holds now.
  var values: OutputValue { OutputValue(name: name, numbers: tensor.numbers) }
}

/// New tensors by name, filled with zeros.
func tensors(_ specs: [TensorSpec]) throws -> [String: Tensor] {
  try Dictionary(specs.map { ($0.name, try .zeros($0)) }) { first, _ in first }
}
