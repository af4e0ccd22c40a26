/// What several parts of a manifest may hold (`docs/bundle.md`, *Reading manifest.json*).
enum FieldRanges {
  /// Counts of bytes and parameters: every language's numbers hold them exactly.
  static let count = 0...(1 << 53)

  /// A part of a whole.
  static let share = NumberRange.closed(0, 1)

  /// A share that is lost; below 0 it is gained.
  static let loss = NumberRange.closed(-1, 1)

  /// A measured error.
  static let error = NumberRange.closed(0, 1e30)

  /// An error that a bound allows, relative to the largest value.
  static let relative = NumberRange.above(0, 1)

  /// Sizes of tensors.
  static let size = 1...Int(Int32.max)

  /// Tensors that one stage may take, and that it may give.
  static let tensors = 1...64

  /// Weights that one graph may take as inputs, and tensors of one expert.
  static let weights = 0...10_000
}
