/// What was chosen of a target's format: a text, number, boolean or nothing.
public enum OptionValue: Sendable, Hashable {
  /// A text.
  case text(String)

  /// A whole number, written without a fraction.
  case integer(Int)

  /// A number with a fraction, or a whole one beyond 64 bits; infinite beyond all of `Double`.
  case number(Double)

  /// A boolean.
  case boolean(Bool)

  /// Nothing was chosen.
  case none
}
