/// Frames that come at a fixed rate, with idle time between: what an app with a camera sees.
struct PacedAnswers: OneByOne {
  func measure(_ session: Session, _ subject: SubjectOrder) async throws {
    try await session.withOpen(subject) { opened in
      try await opened.prewarm()
      let thermal = session.machine.thermal()
      _ = try await opened.answer(subject.firstQuery)
      let preset = session.order.preset
      let camera = Camera(preset.rate)
      var frame = try await camera.frame(after: -1) { session.isCancelled }
      while frame < preset.warmup && !session.isCancelled {
        _ = try await answered(opened, subject, camera, frame)
        frame = try await camera.frame(after: frame) { session.isCancelled }
      }
      let start = RunStart(at: camera.comes(frame), warmup: preset.warmup + 1, thermal: thermal)
      try await answer(session, subject, opened, camera, from: frame)
      start.end(session, subject, "paced")
    }
  }

  /// Answers this repeat's frames; the last one's idle time is waited for, too.
  private func answer(
    _ session: Session, _ subject: SubjectOrder, _ opened: any Subject, _ camera: Camera, from first: Int
  ) async throws {
    let end = first + frames(of: session.order.preset)
    var frame = first
    while frame < end && !session.isCancelled {
      let found = try await answered(opened, subject, camera, frame)
      session.emit(
        PacedLine(
          place: session.place(subject), frame: frame - first, image: found.image, late: found.late, wall: found.wall))
      try session.flush()
      frame = try await camera.frame(after: frame) { session.isCancelled }
    }
  }

  private func answered(_ opened: any Subject, _ subject: SubjectOrder, _ camera: Camera, _ frame: Int) async throws
    -> (image: Int, late: Int, wall: Int)
  {
    let query = subject.queries.inTurn(frame)
    let late = camera.late(frame)
    _ = try await opened.answer(query)
    return (query.image, late, camera.late(frame) - late)
  }

  /// How many frames come in one repeat.
  private func frames(of preset: Preset) -> Int {
    Int(exactly: (preset.rate * preset.paced / Double(max(preset.repeats, 1))).rounded(.up)) ?? 0
  }
}
