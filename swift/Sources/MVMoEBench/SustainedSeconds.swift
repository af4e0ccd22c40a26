/// Some seconds of answers without a pause.
public struct SustainedSeconds: Sendable, Hashable {
  /// The end of these seconds in nanoseconds, since the subject's first answer.
  public let at: Int

  /// How many answers there were.
  public let answers: Int

  /// Nanoseconds of one answer.
  public let median: Int

  /// Nanoseconds of one answer.
  public let slowest: Int

  /// How hot the device was; nil where the system does not say.
  public let thermal: Thermal?

  /// What the process held, in bytes; nil where the system does not say.
  public let memory: Int?
}
