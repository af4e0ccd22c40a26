import Foundation
import MVMoE
import MVMoEBench
import Observation

/// Measures the open bundle, one run at a time, and keeps the results as a file that `mvmoe report` reads.
///
/// It belongs to the app, not to a screen: a run goes on when another tab is shown, and as long as the system lets the
/// app run when it has left the screen. What the cards of the screen say is in `BenchCards.swift`.
@Observable @MainActor
public final class BenchModel {
  /// The run that goes on, or the last one.
  public private(set) var snapshot: BenchSnapshot

  /// What can be measured of the open bundle, and what cannot.
  public private(set) var options: [BenchOption] = []

  /// How much is measured.
  public var length = BenchLength.quick

  /// What is around the app.
  public private(set) var conditions: Conditions

  @ObservationIgnored let words: Words
  @ObservationIgnored private let store: ModelStore
  @ObservationIgnored private let engines: BenchEngines
  @ObservationIgnored private let results: ResultsFolder
  @ObservationIgnored private let machine: PhoneMachine
  @ObservationIgnored private let keepScreenOn: @MainActor (Bool) -> Void

  /// What the user has unticked: everything else is measured.
  private var unticked: Set<String> = []

  @ObservationIgnored private var background = BackgroundTime()
  @ObservationIgnored private var known: OpenModel?
  @ObservationIgnored private var run: OwnRun?
  @ObservationIgnored private var work: Task<Void, Never>?

  /// - Parameters:
  ///   - results: the folder of the results' files, which need nothing of the bundle to be read.
  ///   - keepScreenOn: is told when a run begins and when it ends: a screen that goes dark lets the phone sleep.
  public convenience init(
    store: ModelStore, engines: BenchEngines, results: URL, keepScreenOn: @escaping @MainActor (Bool) -> Void
  ) {
    self.init(
      store: store, engines: engines, results: results, machine: ThisMachine(), keepScreenOn: keepScreenOn)
  }

  init(
    store: ModelStore, engines: BenchEngines, results: URL, machine: any Machine,
    keepScreenOn: @escaping @MainActor (Bool) -> Void = { _ in }, words: Words = Words()
  ) {
    self.store = store
    self.engines = engines
    self.results = ResultsFolder(folder: results)
    self.machine = PhoneMachine(machine: machine, known: LastConditions(store.conditions))
    self.keepScreenOn = keepScreenOn
    self.words = words
    conditions = store.conditions
    snapshot = BenchSnapshot(file: self.results.files.first)
    store.follow { [weak self] in self?.lookAround() }
    lookAround()
  }

  // MARK: What the user does

  /// Whether an option is to be measured.
  public func isTicked(_ option: BenchOption) -> Bool { option.missing == nil && !unticked.contains(option.id) }

  /// Chooses an option, or leaves it out.
  public func tick(_ option: BenchOption, _ isTicked: Bool) {
    if isTicked { unticked.remove(option.id) } else { unticked.insert(option.id) }
  }

  /// Whether there is something to measure, and nothing is measured or being opened: that would take its time.
  public var canStart: Bool {
    !snapshot.isRunning && !store.isOpening && known != nil && options.contains { isTicked($0) }
  }

  /// Measures what is ticked.
  public func start() {
    guard canStart, let known else { return }
    start(known.folder, options.filter { isTicked($0) }.map(\.subject), length.settings)
  }

  /// Begins to measure; nothing happens while a run goes on.
  func start(_ bundle: URL, _ subjects: [OwnSubject], _ settings: OwnRunSettings) {
    if snapshot.isRunning { return }
    background.reset()
    snapshot = BenchSnapshot(phase: .running)
    keepScreenOn(true)
    // As high as the work that a user waits for: of a lower one the system may give slower cores to.
    work = Task(priority: .userInitiated) {
      await measure(bundle, subjects, settings)
      keepScreenOn(false)
    }
  }

  /// Ends the run before its next answer; what was measured is kept.
  public func cancel() {
    guard snapshot.phase == .running else { return }
    snapshot.phase = .cancelling
    run?.cancel()
  }

  /// The run has ended.
  func ended() async { await work?.value }

  // MARK: Measuring

  private func measure(_ bundle: URL, _ subjects: [OwnSubject], _ settings: OwnRunSettings) async {
    do {
      let made = try OwnRun(
        bundle, subjects: subjects, device: .phone(engines, conditions), machine: machine, engines: engines,
        settings: settings)
      snapshot.file = try results.newFile()
      let isDone = try await write(made, subjects.map(\.key))
      snapshot.phase = isDone ? .done : .cancelled
    } catch {
      keepFileIfMeasured()
      snapshot.phase = .failed
      snapshot.error = sentence(of: error)
    }
    snapshot.secondsAway = background.seconds()
  }

  private func write(_ made: OwnRun, _ keys: [String]) async throws -> Bool {
    guard let file = snapshot.file else { return false }
    try Data().write(to: file)
    let output = try FileHandle(forWritingTo: file)
    defer { try? output.close() }
    run = made
    defer { run = nil }
    // The user may have cancelled before there was anything to cancel.
    if snapshot.phase == .cancelling { made.cancel() }
    let (events, told) = AsyncStream.makeStream(of: BenchEvent.self)
    // Beside the main thread, which draws.
    let watching = Task.detached(priority: .utility) { [weak self] in
      var watch = BenchWatch(keys)
      for await event in events {
        if watch.take(event) { await self?.show(watch.step, watch.subjects) }
      }
      await self?.show(watch.step, watch.subjects)
    }
    let ended: Result<Bool, any Error>
    do {
      ended = .success(
        try await made.run({ try output.write(contentsOf: $0) }, listener: { told.yield($0) }))
    } catch {
      ended = .failure(error)
    }
    told.finish()
    await watching.value
    noteBackground(file, output)
    return try ended.get()
  }

  private func show(_ step: BenchStep?, _ subjects: [SubjectSnapshot]) {
    snapshot.step = step
    snapshot.subjects = subjects
    snapshot.secondsAway = background.seconds()
  }

  /// A line of the results file that a report shows before its figures: they are not those of an app that is used.
  private func noteBackground(_ file: URL, _ output: FileHandle) {
    let seconds = background.seconds()
    guard seconds > 0, (Storage.size(of: file) ?? 0) > 0 else { return }
    let note: PlainData = [
      "kind": "failure", "job": "background", "subject": nil, "message": .text(leftScreen(seconds)), "code": nil,
    ]
    // A storage that is full has no room for it: the figures are there all the same.
    if let line = try? note.json() { try? output.write(contentsOf: Data((line + "\n").utf8)) }
  }

  /// Removes a file without a line.
  private func keepFileIfMeasured() {
    guard let file = snapshot.file, (Storage.size(of: file) ?? 0) == 0 else { return }
    try? FileManager.default.removeItem(at: file)
    snapshot.file = nil
  }

  // MARK: Surroundings

  private func lookAround() {
    if store.model !== known {
      known = store.model
      options = known.map { BenchOption.all(of: $0.routed.bundle, ways: engines.ways) } ?? []
    }
    let now = store.conditions
    if now.isInBackground && !conditions.isInBackground { background.leave() }
    if !now.isInBackground && conditions.isInBackground { background.comeBack() }
    conditions = now
    machine.known.conditions = now
  }
}
