/// One operator as Core ML plans it.
struct PlannedOperation: Sendable, Equatable {
  static let neuralEngine = "neural_engine"
  static let gpu = "gpu"
  static let cpu = "cpu"

  /// Its type, with the version that Core ML writes before it: `ios18.linear`.
  let name: String

  /// The unit that Core ML prefers; nil for constants and others that it does not run.
  let unit: String?

  /// Its share of the work, from 0 to 1; nil where Core ML has no estimate.
  let cost: Double?

  /// The operators of its inner blocks.
  let inner: [PlannedOperation]
}
