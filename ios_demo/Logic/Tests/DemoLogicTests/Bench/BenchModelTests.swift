import Foundation
import MVMoE
import MVMoEBench
import Testing

@testable import DemoLogic

@Suite @MainActor struct BenchModelTests {
  private let folder: TemporaryFolder
  private let surroundings = FakeSurroundings()
  private let store: ModelStore
  private let bench: BenchModel
  private let screen = ScreenLog()

  private static let short = OwnRunSettings(threads: 1, repeats: 1, rounds: 2, mostSeconds: 1, memory: true)

  /// What the app was told to do with the screen.
  @MainActor
  private final class ScreenLog {
    var told: [Bool] = []
  }

  init() throws {
    folder = try TemporaryFolder()
    store = ModelStore(
      engines: EngineChoices(.onnx), own: RepositoryFiles.bundle("dispatch"), directory: folder.file("mvmoe"),
      surroundings: surroundings, words: Demo.words)
    bench = BenchModel(
      store: store, engines: .onnxAndWrong, results: folder.file("results"), machine: FakeMachine(status: .light),
      keepScreenOn: { [screen] in screen.told.append($0) }, words: Demo.words)
  }

  private func open() async throws {
    store.start()
    try await until("the model is open") { !bench.options.isEmpty }
  }

  private func measure(_ labels: String..., settings: OwnRunSettings = Self.short) async {
    let asked = bench.options.map(\.subject).filter { labels.contains($0.variant.label) }
    bench.start(RepositoryFiles.bundle("dispatch"), asked, settings)
    await bench.ended()
  }

  private func lines() throws -> [[String: Any]] {
    let file = try #require(bench.snapshot.file)
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func anEngineThatAnswersOtherwiseIsRefusedWithItsFiguresAndTheOthersAreMeasured() async throws {
    try await open()
    await measure("", "wrong")
    #expect(bench.snapshot.phase == .done, "\(bench.snapshot.error ?? "")")
    let rows = bench.figureRows
    #expect(rows.map(\.name) == ["dispatcher onnx", "dispatcher onnx (wrong)"])
    #expect(rows[0].failure == nil)
    #expect(rows[0].figures.contains("of 2 answers"))
    #expect(rows[0].figures.contains("peak of the app 123 MB (phys_footprint)"))
    #expect(rows[0].check?.contains("answers as the bundle's golden vectors") == true)
    let refusal = try #require(rows[1].failure)
    #expect(refusal.hasPrefix("Refused: ") && refusal.contains("bound") && refusal.contains("not measured"))
    #expect(bench.snapshot.subjects[1].answers == 0)
    #expect(try lines().contains { $0["code"] as? String == "check.engine" })
    #expect(bench.runCard.state == "Done. The results are in \(bench.snapshot.file?.lastPathComponent ?? "").")
    #expect(bench.canShare)
    #expect(screen.told == [true, false])
    await store.close()
  }

  @Test func whatTheMachineSaysReachesTheScreenAndTheFile() async throws {
    try await open()
    surroundings.change {
      $0.isLowPowerMode = true
      $0.battery = 64
    }
    var settings = Self.short
    settings.sustainedSeconds = 0.5
    await measure("", settings: settings)
    #expect(bench.snapshot.phase == .done, "\(bench.snapshot.error ?? "")")
    let card = try #require(bench.sustainedCards.first)
    #expect(card.title == "Without a pause: dispatcher onnx")
    #expect(card.figures.contains("Heat: fair."))
    #expect(card.chart.bands.first?.level == 1.0 / 3)
    #expect(card.chart.series[0].points.count == bench.snapshot.subjects[0].sustained?.curve.count)
    #expect(bench.runCard.warning == AppPhrase.lowPower.text)
    let done = try lines().filter { $0["kind"] as? String == "done" }
    #expect(!done.isEmpty)
    for line in done {
      let conditions = try #require(line["conditions"] as? [String: Any])
      #expect(conditions["thermal_status"] as? String == "light")
      #expect(conditions["battery_level"] as? Int == 64)
      #expect(conditions["low_power"] as? Bool == true)
    }
    await store.close()
  }

  @Test func aBundleThatIsNotThereEndsTheRunWithASentenceAndLeavesNoFile() async throws {
    try await open()
    bench.start(folder.file("nothing.mvmoe"), bench.options.map(\.subject), Self.short)
    await bench.ended()
    #expect(bench.snapshot.phase == .failed)
    #expect(bench.runCard.warning?.contains("nothing.mvmoe") == true)
    #expect(bench.snapshot.file == nil && !bench.canShare)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("results").path).isEmpty)
    await store.close()
  }

  @Test func aFolderThatTakesNoFileIsASentence() async throws {
    try await open()
    try Data().write(to: folder.file("results"))
    await measure("")
    #expect(bench.snapshot.phase == .failed)
    #expect(bench.snapshot.error?.isEmpty == false)
    await store.close()
  }

  @Test func anAppThatIsStartedAnewOffersTheNewestResults() throws {
    try FileManager.default.createDirectory(at: folder.file("results"), withIntermediateDirectories: true)
    for number in 1...2 { try Data("{}".utf8).write(to: folder.file("results/mvmoe-\(number).jsonl")) }
    let next = BenchModel(
      store: store, engines: .onnxAndWrong, results: folder.file("results"), machine: FakeMachine())
    #expect(next.snapshot.phase == .idle)
    #expect(next.snapshot.file?.lastPathComponent == "mvmoe-2.jsonl")
    #expect(next.canShare)
  }

  @Test func withNothingTickedThereIsNothingToStart() async throws {
    #expect(!bench.canStart)
    try await open()
    #expect(bench.canStart)
    #expect(bench.optionRows.map(\.name) == ["CPU (ONNX Runtime 1)", "wrong (ONNX Runtime 1)"])
    #expect(bench.optionRows.map(\.target) == ["Target onnx, strategy dispatch", nil])
    #expect(bench.optionRows[0].spoken == "Measure the target onnx on CPU (ONNX Runtime 1)")
    for option in bench.options { bench.tick(option, false) }
    #expect(!bench.canStart)
    bench.start()
    #expect(!bench.snapshot.isRunning)
    bench.tick(bench.options[1], true)
    #expect(bench.optionRows.map(\.isTicked) == [false, true])
    #expect(bench.canStart)
    await store.close()
  }

  @Test func whatTheBuildLacksCannotBeTickedAndSaysWhy() async throws {
    let engines = BenchEngines([
      EngineWay.coreML(.all) { .onnx(threads: $0) },
      EngineWay(EngineVariant(format: "onnx", engine: "ONNX Runtime, iOS"), missing: .notBuilt) {
        .onnx(threads: $0)
      },
      EngineWay(
        EngineVariant(format: "onnx", engine: "ONNX Runtime, iOS", options: ["x": "y"], label: "Neural Engine"),
        missing: .notOnDevice("Neural Engine")
      ) { .onnx(threads: $0) },
    ])
    let bench = BenchModel(
      store: store, engines: engines, results: folder.file("results"), machine: FakeMachine(), words: Demo.words)
    store.start()
    try await until("the model is open") { !bench.options.isEmpty }
    #expect(
      bench.optionRows.map(\.missing) == [
        "This build of the app has no ONNX Runtime.", "This device has no Neural Engine.",
      ])
    #expect(bench.optionRows.allSatisfy { !$0.isEnabled && !$0.isTicked })
    #expect(!bench.canStart)
    await store.close()
  }

  @Test func aCancelledRunKeepsWhatWasMeasured() async throws {
    try await open()
    var settings = Self.short
    settings.sustainedSeconds = 3600
    bench.start(RepositoryFiles.bundle("dispatch"), [bench.options[0].subject], settings)
    #expect(bench.optionRows.allSatisfy { !$0.isEnabled })
    try await until("it answers without a pause") { bench.snapshot.step?.job == "sustained" }
    #expect(bench.runCard.state?.contains("answers without a pause, dispatcher onnx") == true)
    bench.start(folder.file("nothing.mvmoe"), [bench.options[0].subject], settings)
    bench.cancel()
    #expect(bench.runCard.state == "Ending before the next answer…")
    await bench.ended()
    #expect(bench.snapshot.phase == .cancelled)
    #expect(try lines().contains { $0["kind"] as? String == "sample" })
    #expect(bench.runCard.state?.hasPrefix("Cancelled.") == true)
    await store.close()
  }

  @Test func aRunThatIsCancelledAtOnceIsCancelled() async throws {
    try await open()
    bench.start()
    bench.cancel()
    await bench.ended()
    #expect(bench.snapshot.phase == .cancelled)
    await store.close()
  }

  @Test func aFileSaysThatTheAppWasInTheBackground() async throws {
    try await open()
    var settings = Self.short
    settings.sustainedSeconds = 4
    bench.start(RepositoryFiles.bundle("dispatch"), [bench.options[0].subject], settings)
    try await until("it answers without a pause") { bench.snapshot.step?.job == "sustained" }
    surroundings.leaveScreen()
    try await Task.sleep(for: .milliseconds(2500))
    surroundings.returnToScreen()
    await bench.ended()
    #expect(bench.snapshot.phase == .done, "\(bench.snapshot.error ?? "")")
    let note = try #require(try lines().last)
    #expect(note["kind"] as? String == "failure" && note["job"] as? String == "background")
    #expect(note["subject"] is NSNull && (note["message"] as? String)?.contains("2 seconds") == true)
    #expect(bench.runCard.warning?.contains("in the background") == true)
    await store.close()
  }

  @Test func figuresGrowWhileItMeasures() async throws {
    try await open()
    var settings = Self.short
    (settings.repeats, settings.rounds, settings.mostSeconds) = (6, 100_000, 1)
    bench.start(RepositoryFiles.bundle("dispatch"), [bench.options[0].subject], settings)
    try await until("there are answers") { (bench.latency?.series[0].points.count ?? 0) > 2 }
    #expect(bench.snapshot.isRunning)
    let before = bench.snapshot.subjects[0].answers
    try await until("there are more") { bench.snapshot.subjects[0].answers > before }
    let chart = try #require(bench.latency)
    #expect(chart.height > 0 && chart.series[0].points.count <= 120)
    #expect(chart.spoken.hasPrefix("Latency chart. dispatcher onnx: median"))
    bench.cancel()
    await bench.ended()
    let samples = try lines().filter { $0["kind"] as? String == "sample" }
    #expect(samples.count == bench.snapshot.subjects[0].answers)
    #expect(median(samples.compactMap { $0["ns"] as? Int }) == bench.snapshot.subjects[0].median)
    await store.close()
  }

  @Test func lengthsAreWhatTheySay() {
    #expect(BenchLength.sustained.settings.sustainedSeconds == 600)
    #expect(BenchLength.thorough.settings.repeats == 6)
    for length in BenchLength.allCases { #expect(!length.title.isEmpty && !length.means.isEmpty) }
  }
}
