import MVMoEBench

/// Puts together what a run says.
struct BenchWatch {
  private static let betweenLooks = Duration.milliseconds(500)

  private let keys: [String]
  private var figures: [String: SubjectFigures]
  private var shown: ContinuousClock.Instant?
  private(set) var step: BenchStep?

  /// - Parameter keys: of the subjects, in order.
  init(_ keys: [String]) {
    self.keys = keys
    figures = Dictionary(keys.map { ($0, SubjectFigures($0)) }) { first, _ in first }
  }

  var subjects: [SubjectSnapshot] { keys.compactMap { figures[$0]?.snapshot } }

  /// Takes an event; whether it is time to show what is known: a few times a second, where events are many.
  mutating func take(_ event: BenchEvent, now: ContinuousClock.Instant = .now) -> Bool {
    note(event)
    if case .answered = event, let shown, now - shown < Self.betweenLooks { return false }
    shown = now
    return true
  }

  private mutating func note(_ event: BenchEvent) {
    switch event {
    case .step(let number, let steps, let job, let subject):
      step = BenchStep(number: number, steps: steps, job: job, subject: subject)
    case .checked(let subject, let check): figures[subject]?.checked(check.description)
    case .failed(let subject, let message): figures[subject]?.failed(message)
    case .answered(let subject, _, let nanoseconds): figures[subject]?.answered(nanoseconds)
    case .memoryHeld(let subject, let memory): figures[subject]?.held(memory)
    case .sustained(let subject, let seconds): figures[subject]?.sustained(seconds)
    }
  }
}
