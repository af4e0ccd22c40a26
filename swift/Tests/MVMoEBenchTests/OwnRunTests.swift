#if canImport(MVMoEONNX)
  import Foundation
  import MVMoE
  import Testing

  @testable import MVMoEBench

  @Suite(.timeLimit(.minutes(2))) struct OwnRunTests {
    private let right = OwnSubject(
      target: "onnx", variant: EngineVariant(format: "onnx", engine: "ONNX Runtime", provider: "CPU"))
    private let wrong = OwnSubject(
      target: "onnx",
      variant: EngineVariant(
        format: "onnx", engine: "ONNX Runtime", provider: "NPU", options: ["wrong": "yes"], label: "NPU"))
    private let short = OwnRunSettings(threads: 1, repeats: 2, rounds: 3, memory: true, sustainedSeconds: 0.2)
    private let events = Guarded([BenchEvent]())
    private let written = Guarded(Data())

    private func run(_ subjects: [OwnSubject], _ settings: OwnRunSettings? = nil) throws -> OwnRun {
      let device = DeviceDescription(
        device: "ios", abi: "arm64", variants: [right.variant, wrong.variant], packages: ["engine": "1"])
      return try OwnRun(
        smallBundle, subjects: subjects, device: device, machine: TestMachine(), engines: TestEngines(),
        settings: settings ?? short)
    }

    /// What somebody who watched was told.
    private struct Told {
      var steps: [String] = []
      var checked: [Bool] = []
      var answered = 0
      var peaks: [Int?] = []
      var heat: [Thermal.Status?] = []
      var failed: [String] = []
    }

    private var told: Told {
      var told = Told()
      for event in events.withLock({ $0 }) {
        switch event {
        case .step(let number, let steps, let job, _): told.steps.append("\(number)/\(steps) \(job)")
        case .checked(_, let check): told.checked.append(check.ok)
        case .answered: told.answered += 1
        case .memoryHeld(_, let held): told.peaks.append(held.peak)
        case .sustained(_, let seconds): told.heat.append(seconds.thermal?.status)
        case .failed(let subject, _): told.failed.append(subject)
        }
      }
      return told
    }

    private func measured(_ subjects: OwnSubject...) async throws -> [[String: String?]] {
      let isDone = try await run(subjects).run { data in
        written.withLock { $0 += data }
      } listener: { event in
        events.withLock { $0.append(event) }
      }
      #expect(isDone)
      return try lines(written.withLock { $0 })
    }

    @Test func whatWasAskedForIsMeasuredJobByJob() async throws {
      let lines = try await measured(right)
      let key = "dispatcher onnx"
      let jobs: [String] = lines.filter { $0.text("kind") == "done" }.compactMap { $0.text("job") }
      let wanted: [String] = [
        "answers", "answers judged", "placement:\(key):0", "memory:\(key):0", "latency:0", "latency:1",
        "sustained:\(key):0", "run",
      ]
      #expect(jobs == wanted)
      #expect(lines.first?.text("kind") == "run")
      #expect(lines.filter { $0.text("kind") == "sample" }.count == 2 * short.rounds)
      let memory = try #require(lines.first { $0.text("kind") == "memory" })
      #expect(memory["peak_rss"] == .some(nil))
      #expect(memory.text("memory_of") == "pss")
    }

    @Test func anEngineThatFailsTheGoldenVectorsIsRefusedWithItsFiguresAndTheOtherIsMeasured() async throws {
      let lines = try await measured(wrong, right)
      let failures = lines.filter { $0.text("kind") == "failure" }
      #expect(failures.map { $0.text("subject") } == [wrong.key])
      #expect(failures.map { $0.text("code") } == ["check.engine"])
      let message = try #require(failures.first?.text("message"))
      #expect(message.contains("does not answer as the bundle's golden vectors: "))
      #expect(message.contains("(bound "))
      #expect(message.hasSuffix("; it was not measured"))
      let timed = lines.filter { ["sample", "memory", "sustained"].contains($0.text("kind")) }
      #expect(Set(timed.map { $0.text("subject") }) == [right.key])
      let told = told
      #expect(told.checked == [false, true])
      #expect(told.failed == [wrong.key])
    }

    @Test func anEngineThatFailsToSayWhereItRunsAGraphIsMeasuredAllTheSame() async throws {
      let unplaced = OwnSubject(
        target: "onnx",
        variant: EngineVariant(
          format: "onnx", engine: "ONNX Runtime", provider: "CPU", options: ["unplaced": "yes"]))
      let lines = try await measured(unplaced)
      let failures = lines.filter { $0.text("kind") == "failure" }
      #expect(failures.map { $0.text("message") } == ["\(unplaced.key): there is no room for a profile"])
      #expect(failures.map { $0.text("subject") } == [nil])
      #expect(lines.filter { $0.text("kind") == "sample" }.count == 2 * short.rounds)
    }

    @Test func whoeverWatchesIsToldOfEveryStepAndEveryFigure() async throws {
      _ = try await measured(right)
      let told = told
      let steps = ["1/6 answers", "2/6 placement", "3/6 memory", "4/6 latency", "5/6 latency", "6/6 sustained"]
      #expect(told.steps == steps)
      #expect(told.answered == 2 * short.rounds)
      #expect(told.peaks == [1500])
      #expect(told.heat == [.light])
    }

    @Test func aCancelledRunKeepsWhatItHasMeasuredAndIsNotDone() async throws {
      let run = try run([right])
      let isDone = try await run.run { data in
        written.withLock { $0 += data }
      } listener: { event in
        if case .memoryHeld = event { run.cancel() }
      }
      #expect(!isDone)
      let lines = try lines(written.withLock { $0 })
      #expect(lines.contains { $0.text("kind") == "memory" })
      #expect(!lines.contains { $0.text("kind") == "sample" })
      #expect(!lines.contains { $0.text("job") == "run" })
    }

    @Test func everyTargetIsMeasuredInEveryWayOfItsFormat() throws {
      let device = DeviceDescription(
        device: "ios", variants: [right.variant, wrong.variant, EngineVariant(format: "coreml", engine: "x")],
        packages: [:])
      let found = OwnSubject.all(of: try ModelBundle.open(smallBundle), on: device)
      #expect(found.map(\.key) == ["dispatcher onnx", "dispatcher onnx (NPU)"])
    }

    @Test func subjectsHaveToDiffer() throws {
      let error = try refusal(MVMoEError.self) { try run([right, right]) }
      #expect(error.message.contains("two subjects of the key dispatcher onnx"))
      #expect(throws: MVMoEError.self) { try run([]) }
    }

    @Test(arguments: [
      OwnRunSettings(repeats: 0), OwnRunSettings(threads: 257), OwnRunSettings(rounds: -1),
      OwnRunSettings(mostSeconds: 0), OwnRunSettings(sustainedSeconds: .nan), OwnRunSettings(mostSeconds: .infinity),
    ])
    func settingsHaveToMakeSense(settings: OwnRunSettings) throws {
      let error = try refusal(MVMoEError.self) { try run([right], settings) }
      #expect(error.code == .inputInvalid)
    }
  }
#endif
