/// What was chosen of a target's format: a text, number, boolean or nothing.
public enum OptionValue: Sendable, Equatable {
  /// A text.
  case text(String)

  /// A number.
  case number(Double)

  /// A boolean.
  case boolean(Bool)

  /// Nothing was chosen.
  case none
}
