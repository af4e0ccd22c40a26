/// Images one after the other, as an application sees them, with room for so many experts.
struct ImageStream: OneByOne {
  /// The first image is asked twice: it pays for what only the first answer of a process does.
  func measure(_ session: Session, _ subject: SubjectOrder) async throws {
    try await session.withOpen(subject) { opened in
      try await opened.prewarm()
      var before = try await opened.traced(subject.firstQuery).routes
      for (number, query) in subject.queries.enumerated() {
        if session.isCancelled { return }
        await session.letOthersRun()
        let traced = try await opened.traced(query)
        session.emit(
          StreamLine(
            place: session.place(subject), budget: subject.budget, number: number, image: query.image,
            routes: traced.routes, cold: traced.cold, switched: zip(traced.routes, before).map { $0 != $1 },
            laps: traced.laps))
        before = traced.routes
      }
    }
  }
}
