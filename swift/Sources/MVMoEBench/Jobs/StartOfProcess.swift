/// From the start of a process, which has one subject, to its first answer; then each graph's load.
struct StartOfProcess: OneByOne {
  func measure(_ session: Session, _ subject: SubjectOrder) async throws {
    let watch = Stopwatch()
    try await session.withOpen(subject, watch) { opened in
      let start = MonotonicClock.nanoseconds()
      let query = try subject.firstQuery
      let traced = try await opened.trace(query)
      if traced == nil { _ = try await opened.answer(query) }
      let first = MonotonicClock.nanoseconds() - start
      session.emit(
        StartLine(
          place: session.place(subject), process: session.surroundings.process, parse: watch.spent["parse"],
          hash: watch.spent["hash"], open: watch.spent["open"] ?? 0, first: traced?.laps.total ?? first,
          firstLaps: traced?.laps))
      try await opened.loadEach { loaded in
        session.emit(LoadLine(place: session.place(subject), loaded: loaded))
        return !session.isCancelled
      }
    }
  }
}
