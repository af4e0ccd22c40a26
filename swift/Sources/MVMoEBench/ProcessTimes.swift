import CProcessFacts

/// How the process came to be, in nanoseconds; 0 for what is not known.
public struct ProcessTimes: Sendable, Hashable {
  /// From the start of the process to the first line of the program.
  public var start: Int

  /// What bringing in the engine's library took.
  public var engine: Int

  /// From the program's first line until its order was read.
  public var code: Int

  /// These times.
  public init(start: Int = 0, engine: Int = 0, code: Int = 0) {
    self.start = start
    self.engine = engine
    self.code = code
  }

  /// What the first line of a program knows: how long its process has been there.
  public static func now() -> ProcessTimes { ProcessTimes(start: Int(clamping: mvmoe_process_age_nanoseconds())) }
}
