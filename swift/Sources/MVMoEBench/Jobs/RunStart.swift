/// The moment at which answers begin to count, and how the process was then.
struct RunStart {
  /// Of the monotonic clock.
  let at: Int

  /// Answers before that.
  let warmup: Int

  /// Before the first of them: looking takes long enough to disturb an answer.
  let thermal: Thermal?

  /// Tells of a subject whose answers end now; `answers` is the kind of their lines. A run that was cancelled is none.
  func end(_ session: Session, _ subject: SubjectOrder, _ answers: String) {
    if session.isCancelled { return }
    session.emit(
      TimedRunLine(
        place: session.place(subject), answers: answers, warmup: warmup, wall: MonotonicClock.nanoseconds() - at,
        thermal: thermal))
  }
}
