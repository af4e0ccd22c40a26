/// One of a model's outputs for one image.
///
/// Its type says what its numbers mean (`docs/outputs.md`): ``LogitsOutput``, ``EmbeddingOutput``, ``BoxesOutput``,
/// ``MaskOutput``, ``MapOutput`` or ``TensorOutput``.
public protocol Output: Sendable {
  /// What the manifest says of it.
  var spec: OutputSpec { get }

  /// The shape for one image, without the batch.
  var shape: [Int] { get }

  /// The numbers in C order: the last size counts fastest.
  var values: [Float] { get }
}

extension Output {
  /// What the model calls it.
  public var name: String { spec.name }

  /// What its numbers mean, as the manifest has it: `logits`, `boxes`, ...
  public var kind: String { spec.kind }

  /// The names of its classes; nil where they have none.
  public var labels: [String]? { spec.labels }

  /// The name of a class; its number where it has none.
  public func label(_ index: Int) -> String {
    guard let labels, labels.indices.contains(index) else { return String(index) }
    return labels[index]
  }

  /// `answer (logits [10])`.
  public var description: String { "\(name) (\(kind) \(shape))" }
}
