import MVMoE

/// What happens in a run, for somebody who watches it.
public enum BenchEvent: Sendable {
  /// A step begins.
  ///
  /// Steps count from 1; `steps` is how many there are until a subject fails. `job` is what is measured: `answers`,
  /// `placement`, `memory`, `latency` or `sustained`, and `subject` the key of who is measured; nil for all in turn.
  case step(number: Int, steps: Int, job: String, subject: String?)

  /// A subject has answered the golden images; one that falls short of them is not measured, and ``failed(subject:message:)``
  /// follows.
  case checked(subject: String, check: EngineCheck)

  /// One warm answer of a repeat, which count from 0: nanoseconds on the wall.
  case answered(subject: String, repeat: Int, nanoseconds: Int)

  /// What the process held, in bytes of the machine's kind of memory.
  case memoryHeld(subject: String, memory: MemoryHeld)

  /// Some seconds of answers without a pause.
  case sustained(subject: String, seconds: SustainedSeconds)

  /// A subject failed, or answers otherwise than its golden vectors say; it is measured no further. The message is one
  /// sentence, with the figures.
  case failed(subject: String, message: String)
}

/// Is told what happens in a run, between two answers, by the task that measures: what takes long belongs elsewhere.
public typealias BenchListener = @Sendable (BenchEvent) -> Void
