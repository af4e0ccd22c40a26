import Foundation
import MVMoE
import MVMoEONNX
import Testing

@testable import DemoLogic

/// Over the small bundles that every language's dispatcher is tested with, one a strategy.
@Suite @MainActor struct ExpertsModelTests {
  private func withModel(_ bundle: URL, _ work: (Dispatcher, ExpertsModel) async throws -> Void) async throws {
    let dispatcher = try await Dispatcher.open(bundle, engine: ONNXEngine(threads: 1))
    let model = await ExpertsModel(dispatcher, words: Demo.words)
    try await work(dispatcher, model)
    model.close()
    await dispatcher.close()
  }

  private func withModel(_ name: String, _ work: (Dispatcher, ExpertsModel) async throws -> Void) async throws {
    try await withModel(RepositoryFiles.bundle(name), work)
  }

  @Test func expertsOfDispatchComeAndGoAndEachLoadIsInTheLogWithItsTime() async throws {
    try await withModel("dispatch") { dispatcher, model in
      #expect(model.memory == .loaded && model.hasControls)
      #expect(!model.rows.contains(where: { $0.isInMemory }))
      #expect(model.logLines == ["Nothing since the bundle was opened."])
      model.load()
      try await until("all are loaded") {
        model.rows.allSatisfy(\.isInMemory) && model.events.count == model.rows.count
      }
      #expect(model.rows.allSatisfy { $0.lastLoad.map { $0 > .zero } == true })
      let bytes = dispatcher.target.graphs.filter { $0.route != nil }.reduce(0) { $0 + $1.weightBytes }
      #expect(model.rows.reduce(0) { $0 + $1.expert.bytes } == bytes)
      model.limitExperts(1)
      try await until("one is left") { model.rows.count(where: \.isInMemory) == 1 }
      #expect(model.events.first?.change == .released && model.error == nil)
      #expect(await dispatcher.resident.count == 1)
    }
  }

  @Test func changesInARowAllCount() async throws {
    try await withModel("dispatch") { dispatcher, model in
      let (first, second) = (model.experts[0], model.experts[1])
      model.limitExperts(1)
      model.pin(first, true)
      model.pin(second, true)
      model.pin(first, false)
      model.limitBytes(5_000_000)
      try await until("the last one counts") { model.residency.maxBytes == 5_000_000 }
      #expect(await dispatcher.residency == Residency(maxExperts: 1, maxBytes: 5_000_000, pin: [.graph(second.id)]))
    }
  }

  @Test func aChangeThatIsRefusedIsTheLibrarysSentenceAndTheSliderGoesBack() async throws {
    try await withModel("dispatch") { dispatcher, model in
      model.limitExperts(0)
      try await until("it is refused") { model.error != nil }
      #expect(try #require(model.message).contains("maxExperts 0 was given"))
      #expect(model.wanted == Residency())
      model.limitExperts(2)
      try await until("it is not") { model.error == nil && model.residency.maxExperts == 2 }
      #expect(await dispatcher.residency.maxExperts == 2)
    }
  }

  @Test func expertsOfBindAreMappedAndHaveTheSizesOfTheirRanges() async throws {
    try await withModel("bind") { dispatcher, model in
      #expect(model.memory == .mapped && !model.hasControls)
      #expect(model.rows.map(\.expert.bytes) == dispatcher.target.experts.flatMap { $0.map(\.bytes) })
      #expect(model.rows.allSatisfy { $0.state == .mapped && !$0.isInMemory })
      #expect(model.summary.contains(/^3 experts, .+ of weights in a mapped file$/))
      model.pin(model.experts[0], true)
      try await until("it is pinned") { model.rows[0].isPinned }
      model.limitExperts(1)
      try await until("the dispatcher says so") { model.message?.contains("no effect") == true }
    }
  }

  @Test func aTargetWithItsExpertsInOneGraphHasNoneThatComesOrGoes() async throws {
    try await withModel("in_graph") { _, model in
      #expect(model.memory == .together && model.rows.isEmpty && model.blocks.isEmpty)
      #expect(model.summary == "All experts are in one graph")
      #expect(model.explanation.contains("The strategy gather computes the experts in one graph"))
      #expect(model.expertLimits.last == 0 && model.byteLimits.last == 0)
    }
  }

  @Test func expertsOfSeveralStagesHaveTheStagesName() async throws {
    try await withModel("two_stages") { dispatcher, model in
      let routed = dispatcher.target.graphs.filter { $0.route != nil }
      #expect(model.experts.map(\.stage) == routed.map { dispatcher.bundle.manifest.stages[$0.stage].name })
      #expect(Set(model.experts.map(\.stage)).count == 2)
      for line in model.lines { #expect(line.name.hasSuffix(", \(line.expert.stage)")) }
      #expect(model.lines[0].name.hasPrefix("Experts 0+1"))
    }
  }

  @Test(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
  func theScreenSaysWhatAnExpertCostsAndHowLongItsLoadTook() async throws {
    try await withModel(RepositoryFiles.digits) { _, model in
      model.load()
      try await until("all are loaded") { model.events.count == 4 }
      #expect(model.summary.contains(/^4 of 4 in memory: .+ of .+$/))
      #expect(model.lines[0].state.contains(/^in memory, last loaded in [0-9.]+ (ms|µs)$/))
      #expect(model.lines[0].cost.contains(/^.+ kB, of which .+ kB are its own$/))
      #expect(model.lines[2].pinSpoken == "Pin Expert 2")
      #expect(model.mapSpoken == "Map of the experts. In memory: Expert 0, Expert 1, Expert 2, Expert 3. Pinned: none.")
      #expect(model.logLines.count == 4)
      #expect(model.logLines.allSatisfy { $0.contains(/^[0-9:]+.[AP]M · Expert [0-3] loaded in [0-9.]+ (ms|µs)$/) })
      #expect(model.explanation.hasPrefix("Target onnx, on ONNX Runtime"))
      #expect(model.blocks.map(\.text) == ["0", "1", "2", "3"])
    }
  }

  @Test(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
  func theControlsActAtOnceAndReleaseLeavesWhatIsPinned() async throws {
    try await withModel(RepositoryFiles.digits) { dispatcher, model in
      #expect(model.expertsPlace == model.expertLimits.last)
      #expect(model.expertsPlaceText == "Experts of one stage: no limit")
      model.load()
      try await until("all are loaded") { model.rows.allSatisfy(\.isInMemory) }
      model.pin(model.experts[1], true)
      model.expertsPlace = 0
      // A finger on the slider is ahead of what was done.
      #expect(model.expertsPlace == 0 && model.expertsPlaceText == "Experts of one stage: at most 1")
      try await until("one is left") { model.rows.count(where: \.isInMemory) == 1 }
      #expect(await dispatcher.resident == [model.experts[1].id])
      #expect(model.logLines.count { $0.hasSuffix(" released") } == 3)
      model.expertsPlace = model.expertLimits.last
      model.bytesPlace = 0
      try await until("the limit is the largest expert") {
        model.residency.maxExperts == nil && model.residency.maxBytes != nil
      }
      #expect(model.residency.maxBytes == model.experts.map(\.bytes).max())
      model.bytesPlace = model.byteLimits.last
      model.load()
      try await until("all are loaded again") { model.rows.allSatisfy(\.isInMemory) }
      model.release()
      try await until("one is left") { model.rows.count(where: \.isInMemory) == 1 }
      #expect(model.rows[1].isInMemory && model.rows[1].isPinned)
      #expect(model.mapSpoken.hasSuffix("Pinned: Expert 1."))
    }
  }

  @Test func anExpertThatDoesNotLoadIsInTheLog() async throws {
    let script = Script()
    let choice = EngineChoice.scripted(script)
    let dispatcher = try await Dispatcher.open(RepositoryFiles.bundle("dispatch"), engine: choice.engine())
    let model = await ExpertsModel(dispatcher, words: Demo.words)
    await script.refuseLoads(MVMoEError(.engineLoadFailed, "it does not load"))
    await #expect(throws: MVMoEError.self) { try await dispatcher.predict(Images.photo(8, 8)) }
    try await until("the log says so") { model.events.first?.change == .failed }
    #expect(model.rows.count { $0.state == .failed } == 1 && model.logLines[0].hasSuffix(" failed to load"))
    model.close()
    await dispatcher.close()
  }
}
