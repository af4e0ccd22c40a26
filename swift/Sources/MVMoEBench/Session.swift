import MVMoE

/// One order at work: subjects that may fail, and lines that get out whatever happens.
final class Session {
  let order: MeasurementOrder
  let images: Images
  let surroundings: Surroundings
  private let lines: LineWriter
  private let references: (SubjectOrder) throws -> Reference?
  private let atWork: (_ subject: SubjectOrder, _ isTimed: Bool) throws -> Void

  /// How long other tasks of the process may have to wait for this one's thread.
  private static let longestTurn = 10_000_000
  private var turnBegan = MonotonicClock.nanoseconds()

  init(
    order: MeasurementOrder, images: Images, surroundings: Surroundings, lines: LineWriter,
    references: @escaping (SubjectOrder) throws -> Reference?,
    atWork: @escaping (_ subject: SubjectOrder, _ isTimed: Bool) throws -> Void = { _, _ in }
  ) {
    self.order = order
    self.images = images
    self.surroundings = surroundings
    self.lines = lines
    self.references = references
    self.atWork = atWork
  }

  var machine: any Machine { surroundings.machine }

  /// Whether the work is to end before the next answer.
  var isCancelled: Bool { surroundings.isCancelled }

  /// What a line of a subject begins with.
  func place(_ subject: SubjectOrder) -> LinePlace {
    LinePlace(job: order.job, subject: subject.key, repeat: order.repeat)
  }

  /// Keeps a line until the next flush.
  func emit(_ line: any Line) { lines.emit(line) }

  /// Writes lines out, if some time has passed.
  func flush() throws { try lines.flush() }

  /// Lets other tasks have the thread, if this one has had it for a while; called between two answers that are timed.
  ///
  /// An engine that computes in its caller's thread never suspends, and there are only as many threads as cores.
  func letOthersRun() async {
    guard MonotonicClock.nanoseconds() - turnBegan >= Self.longestTurn else { return }
    await Task.yield()
    turnBegan = MonotonicClock.nanoseconds()
  }

  /// What `work` gives; nil if it fails, which is recorded as the subject's failure.
  ///
  /// With `isTimed` others answer in turn with it, so that nothing long may be done about it. Unless it `isDecisive`, the record names
  /// the subject in its message alone: what fails only tells of it, and it is measured further.
  ///
  /// - Throws: What the order's own files raise, and `CancellationError`.
  func attempt<Result>(
    _ subject: SubjectOrder, isTimed: Bool = false, isDecisive: Bool = true, _ work: () async throws -> Result
  ) async throws -> Result? {
    try atWork(subject, isTimed)
    await letOthersRun()
    do {
      return try await work()
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      let message = sentence(error)
      emit(
        FailureLine(
          job: order.job, subject: isDecisive ? subject.key : nil,
          message: isDecisive ? message : "\(subject.key): \(message)", code: code(of: error)))
      return nil
    }
  }

  /// Makes a subject ready.
  func open(_ subject: SubjectOrder, _ watch: Stopwatch = Stopwatch()) async throws -> any Subject {
    try await SubjectKinds.find(subject.kind).make(subject, images, surroundings.engines, watch)
  }

  /// What `work` makes of a subject that is closed afterwards.
  func withOpen<Result>(
    _ subject: SubjectOrder, _ watch: Stopwatch = Stopwatch(), _ work: (any Subject) async throws -> Result
  ) async throws -> Result {
    let opened = try await open(subject, watch)
    do {
      let result = try await work(opened)
      await opened.close()
      return result
    } catch {
      await opened.close()
      throw error
    }
  }

  /// What a subject should answer; nil where nobody knows.
  func reference(_ subject: SubjectOrder) throws -> Reference? { try references(subject) }
}
