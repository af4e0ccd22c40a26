/// What a process held before, with and after a subject, in bytes of the machine's kind of memory.
public struct MemoryHeld: Sendable, Hashable {
  /// Before the subject was opened.
  public let base: Int

  /// With all golden images answered.
  public let loaded: Int

  /// After it was closed.
  public let released: Int

  /// The most after any answer; nil where the system does not say.
  public let peak: Int?
}
