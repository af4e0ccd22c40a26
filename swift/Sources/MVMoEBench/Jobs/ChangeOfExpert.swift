/// What a change of expert adds to an answer: pairs of answers, of one route and of another.
///
/// This program does not drop files from the page cache, so every pair is of files that are in memory.
struct ChangeOfExpert: Job {
  private final class Asked {
    let order: SubjectOrder
    let subject: any Subject
    var taken: Set<Routes> = []

    init(_ order: SubjectOrder, _ subject: any Subject) {
      self.order = order
      self.subject = subject
    }
  }

  func run(_ session: Session) async throws {
    try await closingAll { opened in
      var asked: [Asked] = []
      for subject in session.order.subjects {
        if let ready = try await open(session, subject, &opened) { asked.append(ready) }
      }
      try await ask(session, asked)
    }
  }

  private func ask(_ session: Session, _ subjects: [Asked]) async throws {
    var asked = subjects
    let start = MonotonicClock.nanoseconds()
    let preset = session.order.preset
    let routes = asked.map(\.order.queries.count).max() ?? 0
    for number in 0..<(routes + preset.queries) {
      if session.isCancelled || (number > 0 && MonotonicClock.seconds(since: start) > preset.mostSeconds) { break }
      for each in asked.rotated(number) {
        let isDone: Void? = try await session.attempt(each.order, isTimed: true) {
          try await turn(session, each, number)
        }
        if isDone == nil { asked.removeAll { $0 === each } }
      }
      try session.flush()
    }
  }

  /// A subject that has answered its first question twice; nil if it fails.
  private func open(_ session: Session, _ order: SubjectOrder, _ opened: inout [any Subject]) async throws -> Asked? {
    var subject: (any Subject)?
    let asked = try await session.attempt(order) {
      let opened = try await session.open(order)
      subject = opened
      try await opened.prewarm()
      let first = try order.firstQuery
      for _ in 0..<2 { _ = try await opened.traced(first) }
      let asked = Asked(order, opened)
      asked.taken.insert(first.routes ?? [])
      return asked
    }
    if let subject { opened.append(subject) }
    return asked
  }

  /// The route before again, twice, then another one; the first answer settles the caches.
  private func turn(_ session: Session, _ asked: Asked, _ number: Int) async throws {
    let queries = asked.order.queries
    let before = queries.inTurn(number)
    let after = Query(image: before.image, routes: queries.inTurn(number + 1).routes, forced: true)
    let routes = after.routes ?? []
    _ = try await asked.subject.traced(before)
    let same = try await asked.subject.traced(before).laps
    let changed = try await asked.subject.traced(after).laps
    session.emit(
      ChangeLine(
        place: session.place(asked.order), budget: asked.order.budget, round: number, image: before.image,
        before: before.routes ?? [], routes: routes, first: !asked.taken.contains(routes), same: same, changed: changed)
    )
    asked.taken.insert(routes)
  }
}
