/// A line with a bar.
public struct BarRow: Sendable, Hashable, Identifiable {
  /// Its number within its card.
  public let id: Int

  /// What it is of.
  public let name: String

  /// How much.
  public let value: String

  /// How long the bar is, from 0 to 1.
  public let share: Double

  /// Whether it is what was chosen, and stands out.
  public let isChosen: Bool

  /// All of it, said.
  public let spoken: String
}
