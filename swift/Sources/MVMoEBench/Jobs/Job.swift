import MVMoE

/// What one process does of a measurement; the planner's side of it is `benchmarks/mvmoe_bench/measure/jobs`.
protocol Job: Sendable {
  /// Follows the order of a session.
  func run(_ session: Session) async throws
}

/// A job whose subjects have nothing to do with each other.
protocol OneByOne: Job {
  /// Whether a subject at which it fails is measured no further.
  var isDecisive: Bool { get }

  /// Measures one subject; what it throws is the subject's failure.
  func measure(_ session: Session, _ subject: SubjectOrder) async throws
}

extension OneByOne {
  var isDecisive: Bool { true }

  func run(_ session: Session) async throws {
    for subject in session.order.subjects {
      if session.isCancelled { return }
      _ = try await session.attempt(subject, isDecisive: isDecisive) { try await measure(session, subject) }
      try session.flush()
    }
  }
}

/// The jobs by the names that orders have for them.
enum Jobs {
  private static let all: KeyValuePairs<String, any Job> = [
    "answers": Answers(),
    "placement": PlacementOfGraphs(),
    "latency": Latency(),
    "change": ChangeOfExpert(),
    "start": StartOfProcess(),
    "memory": HeldMemory(),
    "stream": ImageStream(),
    "paced": PacedAnswers(),
    "sustained": SustainedAnswers(),
  ]

  /// - Throws: `MVMoEError` for a job that this version does not have (`input.invalid`).
  static func find(_ name: String) throws -> any Job {
    if let found = all.first(where: { $0.key == name }) { return found.value }
    throw MVMoEError(
      .inputInvalid,
      "the job \(quoted(name)) was ordered; expected one of \(all.map(\.key).joined(separator: ", ")): use one version on "
        + "both sides")
  }
}
