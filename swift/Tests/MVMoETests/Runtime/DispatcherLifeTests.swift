import Foundation
import Testing

@testable import MVMoE

/// Calls at once, cancelled, under memory pressure, and at the end of a dispatcher.
@Suite(.timeLimit(.minutes(2))) struct DispatcherLifeTests {
  private let model = ToyModel("dispatch", rules: [["type": "top_k", "experts": 3, "k": 1]])
  private let engine: ToyEngine
  private let folder = TemporaryFolder()
  private let tasks = WatchedTasks()

  init() throws {
    engine = ToyEngine(model)
    try ToyBundle.write(model, to: folder.url)
  }

  private func open(_ residency: Residency = Residency()) async throws -> Dispatcher {
    try await Dispatcher.open(folder.url, engine: engine, residency: residency)
  }

  /// An image that takes an expert.
  private func image(_ expert: Int) -> [Float] { model.image(1, (0..<3).map { $0 == expert ? 9 : 0 }) }

  /// Stops the first load of a graph.
  private func holdLoad(_ graph: String) -> Gate {
    let gate = Gate()
    engine.beforeLoad { if $0 == graph { await gate.pass() } }
    return gate
  }

  /// Stops the first run of a graph.
  private func holdRun(_ graph: String) -> Gate {
    let gate = Gate()
    engine.beforeRun { if $0 == graph { await gate.pass() } }
    return gate
  }

  @Test func twoPredictionsThatNeedTheSameColdExpertLoadItOnce() async throws {
    let (dispatcher, gate) = (try await open(), holdLoad("s1_r1"))
    let calls = (0..<2).map { _ in tasks { [image = image(1)] in try await dispatcher.run(image) } }
    await tasks.rest()
    #expect(await dispatcher.graphStates["s1_r1"] == .loading)
    gate.open()
    for call in calls { #expect(try await call.value.map(\.route) == [[1]]) }
    #expect(engine.loads == ["stem", "s1_r1"])
    #expect(await dispatcher.graphStates == ["s1_r0": .unloaded, "s1_r1": .ready, "s1_r2": .unloaded])
    await dispatcher.close()
    #expect(engine.ledger.faults == nil)
  }

  @Test func closeFromAnotherTaskWaitsAndLaterCallsSayThatItIsClosed() async throws {
    let (dispatcher, gate) = (try await open(), holdRun("s1_r0"))
    let call = tasks { [image = image(0)] in try await dispatcher.run(image) }
    await gate.arrival()
    let closing = tasks { await dispatcher.close() }
    await tasks.rest()
    try await expectRefusal(.dispatcherClosed) { try await dispatcher.run(image(0)) }
    try await expectRefusal(.dispatcherClosed) { try await dispatcher.prewarm() }
    try await expectRefusal(.dispatcherClosed) { try await dispatcher.check() }
    #expect(engine.freed == [])
    gate.open()
    try await closing.value
    #expect(try await call.value.count == 1)
    #expect(Set(engine.freed) == ["stem", "s1_r0"])
    #expect(await dispatcher.resident == [])
    #expect(await dispatcher.graphStates.values.allSatisfy { $0 == .unloaded })
    await dispatcher.trim()
    await dispatcher.close()
    // Everything is freed though somebody has the dispatcher still.
    #expect(engine.ledger.faults == nil)
  }

  @Test func aDispatcherThatWasNeverClosedFreesEverything() async throws {
    var dispatcher: Dispatcher? = try await open()
    let stream = try #require(dispatcher?.states)
    #expect(try await dispatcher?.run(image(2)).count == 1)
    #expect(try await dispatcher?.run(image(1) + image(0)).count == 2)
    dispatcher = nil
    #expect(engine.ledger.faults == nil)
    #expect(Set(engine.freed) == ["stem", "s1_r0", "s1_r1", "s1_r2"])
    for await _ in stream {}
  }

  @Test func aListenerWhoClosesLetsTheCallEnd() async throws {
    let dispatcher = try await open()
    let states = dispatcher.states
    let closing = tasks {
      for await state in states {
        if case .loading(graph: "s1_r2") = state { break }
      }
      await dispatcher.close()
    }
    #expect(try await dispatcher.run(image(2)).count == 1)
    try await closing.value
    #expect(Set(engine.freed) == ["stem", "s1_r2"])
    #expect(engine.ledger.faults == nil)
  }

  @Test func anEngineThatClosesTheDispatcherThatRunsItIsFreedWhenTheCallEnds() async throws {
    let dispatcher = try await open()
    engine.beforeRun { [engine] graph in
      guard graph == "s1_r2" else { return }
      await dispatcher.close()
      #expect(engine.freed == [])
    }
    #expect(try await dispatcher.run(image(2)).count == 1)
    #expect(Set(engine.freed) == ["stem", "s1_r2"])
    engine.beforeRun { _ in }
    await dispatcher.close()
  }

  @Test func statesTellOfLoadsAndOfTheEnd() async throws {
    let dispatcher = try await open(Residency(maxExperts: 2))
    let states = dispatcher.states
    _ = try await dispatcher.run(image(1))
    _ = try await dispatcher.run(image(1))
    engine.beforeLoad { if $0 == "s1_r0" { throw MVMoEError(.engineLoadFailed, "told to fail") } }
    _ = await failure { try await dispatcher.run(image(0)) }
    engine.beforeLoad { _ in }
    try await dispatcher.prewarm()
    await dispatcher.trim()
    await dispatcher.close()
    var told: [String] = []
    for await state in states { told.append(StateStreamsTests.shown(state)) }
    let prewarmed = ["failed s1_r0", "loading s1_r0", "prewarming", "ready"]
    #expect(
      told == ["ready", "loading s1_r1", "ready", "loading s1_r0", "failed s1_r0"] + prewarmed
        + ["ready", "ready", "unloaded"])
  }

  @Test func memoryPressureInTheMiddleOfAPredictionLetsItEndAndFreesWhatItUsed() async throws {
    let dispatcher = try await open(Residency(pin: [.expert(1)]))
    for expert in [1, 2] { _ = try await dispatcher.run(image(expert)) }
    let gate = holdRun("s1_r0")
    let call = tasks { [image = image(0)] in try await dispatcher.run(image) }
    await gate.arrival()
    await dispatcher.trim()
    #expect(await dispatcher.resident == ["s1_r1"])
    #expect(engine.freed == ["s1_r2"])
    gate.open()
    #expect(try await call.value.count == 1)
    #expect(engine.freed == ["s1_r2", "s1_r0"])
    #expect(try await dispatcher.run(image(0)).count == 1)
    await dispatcher.close()
    #expect(engine.ledger.faults == nil)
  }

  @Test func trimmingGivesUpSpareBuffersWithTheirBindings() async throws {
    let (dispatcher, gate) = (try await open(), holdRun("s1_r0"))
    let calls = (0..<3).map { _ in tasks { [image = image(0)] in try await dispatcher.run(image) } }
    await tasks.rest()
    gate.open()
    for call in calls { _ = try await call.value }
    #expect(engine.ledger.bindings >= 6)
    await dispatcher.trim()
    #expect(engine.ledger.bindings == 0)
    #expect(try await dispatcher.run(image(0)).count == 1)
    await dispatcher.close()
    #expect(engine.ledger.faults == nil)
  }

  @Test func limitsAndPinsCanBeChangedWhileItIsOpen() async throws {
    let dispatcher = try await open()
    for expert in 0..<3 { _ = try await dispatcher.run(image(expert)) }
    try await dispatcher.setResidency(Residency(maxExperts: 2, pin: [.graph("s1_r0")]))
    #expect(await dispatcher.resident == ["s1_r0", "s1_r2"])
    try await expectRefusal(.routingUnknownRoute) { try await dispatcher.setResidency(Residency(pin: [.expert(7)])) }
    for wrong in [Residency(maxExperts: 0), Residency(maxBytes: -1)] {
      let error = try await expectRefusal(.inputInvalid) { try await dispatcher.setResidency(wrong) }
      #expect(error.message.hasSuffix("was given; expected a whole number of at least 1, or nil for no limit"))
    }
    #expect(await dispatcher.residency.maxExperts == 2)
    await dispatcher.trim()
    #expect(await dispatcher.resident == ["s1_r0"])
    try await dispatcher.setResidency(Residency(maxBytes: 10))
    _ = try await dispatcher.run(image(1))
    #expect(await dispatcher.resident == ["s1_r1"])
    await dispatcher.close()
    #expect(engine.ledger.faults == nil)
  }

  @Test func aCancelledCallThatWaitsForALoadLeavesItToTheOthers() async throws {
    let (dispatcher, gate) = (try await open(), holdLoad("s1_r1"))
    let loading = tasks { [image = image(1)] in try await dispatcher.run(image) }
    await gate.arrival()
    let waiting = tasks { [image = image(1)] in try await dispatcher.run(image) }
    await tasks.rest()
    waiting.cancel()
    #expect(await failure { try await waiting.value } is CancellationError)
    gate.open()
    #expect(try await loading.value.count == 1)
    #expect(engine.loads == ["stem", "s1_r1"])
    await dispatcher.close()
    #expect(engine.ledger.faults == nil)
  }

  @Test func aLoadThatTheEngineFinishesIsKeptAlthoughItsCallerWasCancelled() async throws {
    let (dispatcher, gate) = (try await open(), holdLoad("s1_r1"))
    let call = tasks { [image = image(1)] in try await dispatcher.run(image) }
    await gate.arrival()
    call.cancel()
    gate.open()
    _ = await failure { try await call.value }
    #expect(await dispatcher.resident == ["s1_r1"])
    #expect(try await dispatcher.run(image(1)).count == 1)
    #expect(engine.loads == ["stem", "s1_r1"])
    await dispatcher.close()
  }

  @Test func openingThatIsCancelledLeavesNothingOpen() async throws {
    let gate = holdLoad("stem")
    let opening = tasks { [bundle = folder.url, engine] in try await Dispatcher.open(bundle, engine: engine) }
    await gate.arrival()
    opening.cancel()
    gate.open()
    #expect(await failure { try await opening.value } is CancellationError)
    await tasks.rest()
    #expect(engine.ledger.faults == nil)
  }

  @Test func aCancelledCallThatHasToLoadSaysSoAndOneWhoseExpertIsThereAnswers() async throws {
    let dispatcher = try await open()
    _ = try await dispatcher.run(image(0))
    let gate = Gate()
    let call = tasks { [warm = image(0), cold = image(1)] in
      await gate.pass()
      let answers = try await dispatcher.run(warm)
      #expect(answers.count == 1)
      #expect(await failure { try await dispatcher.run(cold) } is CancellationError)
      #expect(await failure { try await dispatcher.run(cold + warm) } is CancellationError)
      #expect(await failure { try await dispatcher.prewarm() } is CancellationError)
    }
    call.cancel()
    gate.open()
    try await call.value
    #expect(engine.loads == ["stem", "s1_r0"])
    await dispatcher.close()
  }

  @Test func aGraphThatFailsToRunStaysAndItsCallsHaveTheError() async throws {
    let dispatcher = try await open()
    engine.beforeRun { if $0 == "s1_r0" { throw MVMoEError(.engineRunFailed, "told to fail") } }
    let partial = try #require(await failure { try await dispatcher.run(image(0)) } as? PartialResultError)
    #expect(partial.code == .enginePartialResult)
    #expect(partial.failures[0]?.code == .engineRunFailed)
    try await expectRefusal(.engineRunFailed) {
      try await dispatcher.predict(.grey([255, 0, 0, 1], width: 4, height: 1))
    }
    #expect(await dispatcher.resident == ["s1_r0"])
    engine.beforeRun { _ in }
    #expect(try await dispatcher.run(image(0)).count == 1)
    #expect(engine.loads.filter { $0 == "s1_r0" }.count == 1)
    await dispatcher.close()
  }
}
