import Foundation

/// How far a run is.
public enum BenchPhase: Sendable, Hashable {
  case idle
  case running
  case cancelling
  case done
  case cancelled
  case failed
}

/// What a run does at the moment.
public struct BenchStep: Sendable, Hashable {
  /// From 1.
  public let number: Int

  /// How many there are.
  public let steps: Int

  /// `answers`, `placement`, `memory`, `latency` or `sustained`.
  public let job: String

  /// Who is measured; nil for all in turn.
  public let subject: String?
}

/// All that the screen shows of a run at a moment.
public struct BenchSnapshot: Sendable {
  /// How far it is.
  public var phase = BenchPhase.idle

  /// Nil before the first.
  public var step: BenchStep?

  /// What is known of each subject.
  public var subjects: [SubjectSnapshot] = []

  /// The results; nil before there are any.
  public var file: URL?

  /// Why the run ended early; nil where it did not.
  public var error: String?

  /// How long the app was not on the screen meanwhile.
  public var secondsAway = 0

  /// Whether it goes on.
  public var isRunning: Bool { phase == .running || phase == .cancelling }
}
