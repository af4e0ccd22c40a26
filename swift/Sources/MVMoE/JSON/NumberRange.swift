/// Which numbers a field may have.
struct NumberRange: Sendable {
  private let words: String

  private let holds: @Sendable (Double) -> Bool

  func contains(_ number: Double) -> Bool { holds(number) }

  /// From `least` to `most`, both included.
  static func closed(_ least: Double, _ most: Double) -> NumberRange {
    NumberRange(words: "from \(least) to \(most)") { least <= $0 && $0 <= most }
  }

  /// Above `bound`, and at most `most`.
  static func above(_ bound: Double, _ most: Double) -> NumberRange {
    NumberRange(words: "above \(bound) and at most \(most)") { bound < $0 && $0 <= most }
  }

  /// At least `least`, and below `bound`.
  static func below(_ least: Double, _ bound: Double) -> NumberRange {
    NumberRange(words: "from \(least) to below \(bound)") { least <= $0 && $0 < bound }
  }

  /// Every number that is finite.
  static let finite = closed(-Double.greatestFiniteMagnitude, Double.greatestFiniteMagnitude)
}

extension NumberRange: CustomStringConvertible {
  var description: String { words }
}
