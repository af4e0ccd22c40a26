/// Answers without a pause for minutes, as a video asks for: how they become slower while the device becomes hot.
struct SustainedAnswers: OneByOne {
  private static let interval = 5_000_000_000
  private static let usualSeconds = 600.0

  func measure(_ session: Session, _ subject: SubjectOrder) async throws {
    try await session.withOpen(subject) { opened in
      try await opened.prewarm()
      let thermal = session.machine.thermal()
      _ = try await opened.answer(subject.firstQuery)
      let start = RunStart(at: MonotonicClock.nanoseconds(), warmup: 1, thermal: thermal)
      try await answerOn(session, subject, opened)
      start.end(session, subject, "sustained")
    }
  }

  private func answerOn(_ session: Session, _ subject: SubjectOrder, _ opened: any Subject) async throws {
    let asked = session.order.preset.sustained
    let end = Int(exactly: ((asked > 0 ? asked : Self.usualSeconds) * 1e9).rounded()) ?? Int.max
    let start = MonotonicClock.nanoseconds()
    var number = 0
    var spent: [Int] = []
    while !session.isCancelled {
      let passed = MonotonicClock.nanoseconds() - start
      if passed >= end { break }
      spent.removeAll(keepingCapacity: true)
      let until = min(passed + Self.interval, end)
      while MonotonicClock.nanoseconds() - start < until && !session.isCancelled {
        let began = MonotonicClock.nanoseconds()
        _ = try await opened.answer(subject.queries.inTurn(number))
        spent.append(MonotonicClock.nanoseconds() - began)
        number += 1
        await session.letOthersRun()
      }
      emit(session, subject, at: MonotonicClock.nanoseconds() - start, &spent)
      try session.flush()
    }
  }

  private func emit(_ session: Session, _ subject: SubjectOrder, at end: Int, _ spent: inout [Int]) {
    spent.sort()
    guard let slowest = spent.last else { return }
    let median = (spent[(spent.count - 1) / 2] + spent[spent.count / 2]) / 2
    let seconds = SustainedSeconds(
      at: end, answers: spent.count, median: median, slowest: slowest, thermal: session.machine.thermal(),
      memory: session.machine.memory())
    session.emit(SustainedLine(place: session.place(subject), seconds: seconds))
  }
}
