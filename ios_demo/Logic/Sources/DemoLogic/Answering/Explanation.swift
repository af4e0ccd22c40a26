import MVMoE

/// An answer with how it came about.
public struct Explanation: Sendable {
  /// The classes of the first output that classifies, the most probable first; empty for a model without one.
  public let top: [Share]

  /// The decision of each router, in their order.
  public let stages: [RouterDecision]

  /// Where the time went, in the order in which it did; the parts add up to ``total``.
  public let parts: [TimePart]

  /// From the image to the answer.
  public let total: Duration

  /// The same image through all experts; nil where the bundle has no target for that, and for frames of a camera.
  public let comparison: Comparison?

  /// Each further output: its name, and what it says.
  public let others: [OtherOutput]

  /// What outputs say of places of the image.
  public let marks: Marks
}

/// A class with its share: of the softmax, or of a mask's places.
public struct Share: Sendable, Hashable {
  /// The class's name.
  public let label: String

  /// From 0 to 1.
  public let share: Double
}

/// An output, by its name, its kind, and its shape or what was found.
public struct OtherOutput: Sendable, Hashable {
  /// What the model calls it.
  public let name: String

  /// What its numbers mean: `map`.
  public let kind: String

  /// For one image.
  public let shape: [Int]

  /// Classes with their shares; empty for a kind that has none.
  public let found: [Share]
}

/// The same image, every expert computed.
public struct Comparison: Sendable, Hashable {
  /// What all experts answer; nil for a model that does not classify.
  public let top: Share?

  /// Whether both give the same class.
  public let isSameAnswer: Bool

  /// The median of ``runs`` predictions by the route alone, its experts in memory.
  public let routed: Duration

  /// The median of ``runs`` predictions by all experts.
  public let allExperts: Duration

  /// How many predictions each.
  public let runs: Int
}
