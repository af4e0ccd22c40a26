/// Warm answers of all subjects, side by side in one process.
struct Latency: Job {
  private struct Ready {
    let order: SubjectOrder
    let subject: any Subject
    let place: Int
  }

  private struct Timed {
    let wall: Int
    let cpu: Int?
    let traced: Traced?
  }

  /// How long each subject answers before the rounds begin.
  ///
  /// The CPU has its speed then, and pages and branches are known; a subject that is opened last has no advantage.
  private static let settlingSeconds = 0.5
  private static let settlingAnswers = 5000

  /// Opens everything, then asks in rounds; each subject once a round, in rotated order.
  func run(_ session: Session) async throws {
    try await closingAll { opened in
      try await ask(session, try await openAll(session, &opened))
    }
  }

  private func ask(_ session: Session, _ opened: [Ready]) async throws {
    var ready: [Ready] = []
    for each in opened {
      let isSettled: Void? = try await session.attempt(each.order) { try await settle(session, each) }
      if isSettled != nil { ready.append(each) }
    }
    let thermal = session.machine.thermal()
    var start: RunStart?
    let longest = ready.map(\.order.queries.count).max() ?? 0
    var rounds = Rounds(session.order.preset, queries: longest)
    while let number = rounds.next(), !session.isCancelled {
      if number == 0 {
        // Settling is a warm-up, too.
        start = RunStart(at: MonotonicClock.nanoseconds(), warmup: session.order.preset.warmup + 1, thermal: thermal)
      }
      try await round(session, &ready, number, longest)
      try session.flush()
    }
    for each in ready { start?.end(session, each.order, "sample") }
  }

  /// Every subject of the order, opened in an order that differs from repeat to repeat.
  private func openAll(_ session: Session, _ opened: inout [any Subject]) async throws -> [Ready] {
    var ready: [Ready] = []
    for (place, subject) in Array(session.order.subjects.enumerated()).rotated(session.order.repeat) {
      var made: (any Subject)?
      let isReady: Void? = try await session.attempt(subject) {
        let watch = Stopwatch()
        let opening = try await session.open(subject, watch)
        made = opening
        session.emit(OpenedLine(place: session.place(subject), actual: opening.actual, open: watch.total))
        try await opening.prewarm()
      }
      guard let made else { continue }
      opened.append(made)
      if isReady != nil { ready.append(Ready(order: subject, subject: made, place: place)) }
    }
    // Rounds go by the order's own order, whichever was opened first.
    return ready.sorted { $0.place < $1.place }
  }

  private func settle(_ session: Session, _ ready: Ready) async throws {
    let start = MonotonicClock.nanoseconds()
    let queries = ready.order.queries
    for number in 0..<(queries.isEmpty ? 0 : Self.settlingAnswers) {
      if session.isCancelled || MonotonicClock.seconds(since: start) > Self.settlingSeconds { return }
      _ = try await timedAnswer(session.machine, ready.subject, queries.inTurn(number))
      await session.letOthersRun()
    }
  }

  /// Each subject answers once; one that fails is asked no more.
  private func round(_ session: Session, _ ready: inout [Ready], _ number: Int, _ longest: Int) async throws {
    for (position, each) in ready.rotated(number).enumerated() where !each.order.queries.isEmpty {
      let query = each.order.queries.inTurn(number.modulo(longest))
      let timed = try await session.attempt(each.order, isTimed: true) {
        try await timedAnswer(session.machine, each.subject, query)
      }
      if let timed {
        if number >= 0 { session.emit(line(session, each.order, query, timed, number, position)) }
      } else {
        ready.removeAll { $0.place == each.place }
      }
    }
  }

  private func line(
    _ session: Session, _ subject: SubjectOrder, _ query: Query, _ timed: Timed, _ number: Int, _ position: Int
  ) -> SampleLine {
    SampleLine(
      place: session.place(subject), round: number, position: position, image: query.image,
      routes: timed.traced.map(\.routes) ?? query.routes, forced: query.forced, wall: timed.wall, cpu: timed.cpu,
      laps: timed.traced?.laps)
  }

  /// One answer on the wall and of CPU, and of a subject with parts these, of another call right after.
  ///
  /// Where a route is imposed, time is the sum of the parts: imposing it is nobody's cost.
  private func timedAnswer(_ machine: any Machine, _ subject: any Subject, _ query: Query) async throws -> Timed {
    // The first trace tells whether the subject has parts, and is not kept: the second is warm.
    if query.forced, try await subject.trace(query) != nil {
      let imposed = try await subject.traced(query)
      return Timed(wall: imposed.laps.total, cpu: nil, traced: imposed)
    }
    let spent = try await timed(machine) { _ = try await subject.answer(query) }
    return Timed(wall: spent.wall, cpu: spent.cpu, traced: try await subject.trace(query))
  }
}

/// Numbers of rounds: those of the warm-up are negative.
///
/// There are as many as queries, more if they take less than `seconds`, and fewer if they take more than `mostSeconds`; one
/// at least.
struct Rounds {
  private let preset: Preset
  private let queries: Int
  private var number: Int
  private var start = 0

  init(_ preset: Preset, queries: Int) {
    self.preset = preset
    self.queries = queries
    number = -preset.warmup
  }

  mutating func next() -> Int? {
    guard queries > 0 else { return nil }
    if number == 0 { start = MonotonicClock.nanoseconds() }
    if number > 0 {
      let passed = MonotonicClock.seconds(since: start)
      if passed > preset.mostSeconds || (number >= queries && passed >= preset.seconds) { return nil }
    }
    defer { number += 1 }
    return number
  }
}
