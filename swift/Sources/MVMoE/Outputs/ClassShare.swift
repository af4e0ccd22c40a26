/// A class, and how much of a mask has it.
public struct ClassShare: Sendable, Hashable {
  /// Of the class.
  public let index: Int

  /// The name of the class, or its number where classes have no names.
  public let label: String

  /// Of the mask's places, from 0 to 1.
  public let share: Double
}

extension ClassShare: CustomStringConvertible {
  /// `sky 0.4`.
  public var description: String { "\(label) \(share)" }
}
