/// Which numbers a field may have.
package struct NumberRange: Sendable {
  private let words: String

  private let holds: @Sendable (Double) -> Bool

  package func contains(_ number: Double) -> Bool { holds(number) }

  /// From `least` to `most`, both included.
  package static func closed(_ least: Double, _ most: Double) -> NumberRange {
    NumberRange(words: "from \(least) to \(most)") { least <= $0 && $0 <= most }
  }

  /// Above `bound`, and at most `most`.
  package static func above(_ bound: Double, _ most: Double) -> NumberRange {
    NumberRange(words: "above \(bound) and at most \(most)") { bound < $0 && $0 <= most }
  }

  /// At least `least`, and below `bound`.
  package static func below(_ least: Double, _ bound: Double) -> NumberRange {
    NumberRange(words: "from \(least) to below \(bound)") { least <= $0 && $0 < bound }
  }

  /// Every number that is finite.
  package static let finite = closed(-Double.greatestFiniteMagnitude, Double.greatestFiniteMagnitude)
}

extension NumberRange: CustomStringConvertible {
  package var description: String { words }
}
