import MVMoE

/// An expert as it is at a moment.
public struct ExpertRow: Sendable, Hashable, Identifiable {
  /// Which.
  public let expert: Expert

  /// Where it is.
  public let state: LoadState

  /// Whether it stays in memory.
  public let isPinned: Bool

  /// How long its last load took; nil where it was not loaded since the bundle was opened.
  public let lastLoad: Duration?

  public var id: String { expert.id }

  /// Whether it is in memory, and nothing else brings it there.
  public var isInMemory: Bool { state == .ready }
}
