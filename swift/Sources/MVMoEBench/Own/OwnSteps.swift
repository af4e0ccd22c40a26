import Foundation
import MVMoE

/// The jobs of a run of its own, one after the other.
final class OwnSteps {
  private static let wholeRun = "run"
  private static let judged = "answers judged"

  private let bundle: ModelBundle
  private let inputs: GoldenInputs
  private let subjects: [OwnSubject]
  private let settings: OwnRunSettings
  private let surroundings: Surroundings
  private let listener: BenchListener
  private let lines: LineWriter
  private let preset: Preset
  private let failed = Guarded(Set<String>())
  private var step = 0

  init(
    _ bundle: ModelBundle, _ inputs: GoldenInputs, _ subjects: [OwnSubject], _ settings: OwnRunSettings,
    _ surroundings: Surroundings, _ output: @escaping LineOutput, _ listener: @escaping BenchListener
  ) {
    self.bundle = bundle
    self.inputs = inputs
    self.subjects = subjects
    self.settings = settings
    self.surroundings = surroundings
    self.listener = listener
    preset = settings.preset
    lines = LineWriter(output) { [failed] line in
      if let failure = line as? FailureLine, let subject = failure.subject {
        failed.withLock { _ = $0.insert(subject) }
      }
      if let event = (line as? any WatchedLine)?.event { listener(event) }
    }
  }

  /// Writes the first line, does all jobs, and says whether it came to the end.
  func run(_ first: any Line) async throws -> Bool {
    do {
      lines.emit(first)
      try await steps()
    } catch {
      try lines.flush(now: true)
      throw error
    }
    try lines.flush(now: true)
    return !surroundings.isCancelled
  }

  private func steps() async throws {
    try await answers()
    try await alone("placement") { [] }
    if settings.memory { try await alone("memory") { inputs.once() } }
    for number in 0..<preset.repeats { try await latency(number) }
    if preset.sustained > 0 { try await alone("sustained") { inputs.once() } }
    end(Self.wholeRun)
  }

  /// Every golden image once; subjects that answer otherwise are not worth timing.
  private func answers() async throws {
    for subject in alive {
      begin("answers", subject)
      let order = order("answers", 0, [subject], inputs.once())
      for ordered in order.subjects {
        _ = try await session(order).attempt(ordered) { try await check(subject, ordered) }
      }
      try lines.flush(now: true)
      if alive.contains(subject) { try await follow(order) }
    }
    end("answers")
    end(Self.judged)
  }

  private func check(_ subject: OwnSubject, _ order: SubjectOrder) async throws {
    let target = try bundle.target(subject.target)
    let engine = try surroundings.engines.engine(of: order, target)
    let core = try await DispatcherCore.open(bundle, target: target, engine: engine, residency: Residency())
    let check = try await core.check()
    await core.close()
    listener(.checked(subject: subject.key, check: check))
    if !check.ok {
      lines.emit(
        FailureLine(
          job: Self.judged, subject: subject.key, message: "\(check); it was not measured", code: .checkEngine))
    }
  }

  private func latency(_ number: Int) async throws {
    let asked = alive
    if asked.isEmpty || surroundings.isCancelled { return }
    begin("latency", nil)
    let job = "latency:\(number)"
    try await follow(order(job, number, asked, inputs.rounds(preset.queries, repeat: number)))
    end(job)
  }

  /// A job of one subject at a time.
  private func alone(_ kind: String, _ queries: () -> [Query]) async throws {
    for subject in alive {
      if surroundings.isCancelled { return }
      begin(kind, subject)
      let job = "\(kind):\(subject.key):0"
      try await follow(order(job, 0, [subject], queries()))
      end(job)
    }
  }

  private var alive: [OwnSubject] {
    let failed = failed.withLock { $0 }
    return subjects.filter { !failed.contains($0.key) }
  }

  private func begin(_ job: String, _ subject: OwnSubject?) {
    step += 1
    let perSubject = 2 + (settings.memory ? 1 : 0) + (preset.sustained > 0 ? 1 : 0)
    listener(
      .step(number: step, steps: perSubject * subjects.count + preset.repeats, job: job, subject: subject?.key))
  }

  private func follow(_ order: MeasurementOrder) async throws {
    try await Jobs.find(order.kind).run(session(order))
    try lines.flush(now: true)
  }

  /// A job that was cut short is not done.
  private func end(_ job: String) {
    if surroundings.isCancelled { return }
    lines.emit(DoneLine(job: job, conditions: surroundings.machine.conditions()))
  }

  private func session(_ order: MeasurementOrder) -> Session {
    let reference = inputs.reference
    return Session(
      order: order, images: inputs.images, surroundings: surroundings, lines: lines, references: { _ in reference })
  }

  private func order(_ job: String, _ number: Int, _ asked: [OwnSubject], _ queries: [Query]) -> MeasurementOrder {
    MeasurementOrder(
      job: job, kind: job.split(separator: ":").first.map(String.init) ?? job, repeat: number, preset: preset,
      images: "",
      names: inputs.names, labels: inputs.names.map { _ in nil }, reference: [:],
      subjects: asked.map { ordered($0, queries) }, status: nil, started: 0)
  }

  private func ordered(_ subject: OwnSubject, _ queries: [Query]) -> SubjectOrder {
    let outputs = bundle.manifest.outputs
    return SubjectOrder(
      key: subject.key, kind: OwnSubject.kind, root: bundle.root.path, manifestSHA256: bundle.manifestSHA256,
      target: subject.target, outputKinds: Dictionary(outputs.map { ($0.name, $0.kind) }) { first, _ in first },
      classOutput: bundle.manifest.classOutput?.name, engineOptions: subject.variant.options, threads: settings.threads,
      queries: queries)
  }
}

extension Manifest {
  /// The first output that decides on a class.
  var classOutput: OutputSpec? { outputs.first { OutputKinds.find($0.kind)?.classifies == true } }
}
