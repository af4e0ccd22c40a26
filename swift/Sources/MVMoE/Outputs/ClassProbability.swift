/// A class, and how likely it is.
public struct ClassProbability: Sendable, Hashable {
  /// Of the class.
  public let index: Int

  /// The name of the class, or its number where classes have no names.
  public let label: String

  /// Its share of the softmax, from 0 to 1.
  public let probability: Double
}

extension ClassProbability: CustomStringConvertible {
  /// `cat 0.93`.
  public var description: String { "\(label) \(probability)" }
}
