import Foundation
import Testing

@testable import MVMoE
@testable import MVMoEONNX

/// The dispatcher over the real engine, where something is wrong or several things happen at once.
@Suite(.timeLimit(.minutes(2))) struct DispatcherTests {
  private let onnx = ONNXEngine(threads: 1)
  private let golden: Golden
  private let imageOf: [Int: Int]

  init() throws {
    let golden = try Golden(AnswerBundles.open("dispatch"))
    self.golden = golden
    imageOf = try Dictionary((0..<golden.images).map { (try golden.route(1, $0)[0], $0) }) { first, _ in first }
  }

  /// A dispatcher that is closed after `body`; then nothing native is left.
  private func withDispatcher(
    _ root: URL, engine: (any Engine)? = nil, _ body: (Dispatcher) async throws -> Void
  ) async throws {
    let dispatcher = try await Dispatcher.open(root, engine: engine ?? onnx)
    do {
      try await body(dispatcher)
    } catch {
      await dispatcher.close()
      throw error
    }
    await dispatcher.close()
    #expect(onnx.isIdle)
  }

  private func image(_ expert: Int) throws -> [Float] { try golden.of("image", #require(imageOf[expert])) }

  private func expectAnswer(_ dispatcher: Dispatcher, _ expert: Int) async throws {
    let answers = try await dispatcher.run(image(expert))
    #expect(answers.map(\.route) == [[expert]])
    let values = try #require(answers.first?.outputs["answer"]).values
    #expect(try golden.error(values, "outputs.answer", #require(imageOf[expert])) <= Golden.bound)
  }

  /// The error of the only image of a call.
  private func failure(_ dispatcher: Dispatcher, _ expert: Int) async throws -> MVMoEError {
    do {
      _ = try await dispatcher.run(image(expert))
    } catch let error as PartialResultError {
      return try #require(error.failures[0])
    }
    throw NotRefused()
  }

  @Test func aDispatcherThatBindsWeightsHasTheTensorsOfAllExpertsWhenItIsOpen() async throws {
    let image = try Golden(AnswerBundles.open("bind")).of("image", 0)
    try await withDispatcher(AnswerBundles.root("bind")) { dispatcher in
      let experts = try dispatcher.bundle.target("onnx").experts
      let weights = experts.joined().reduce(0) { $0 + $1.tensors.count }
      let before = onnx.tensorCount
      #expect(before > weights)
      for _ in 0..<2 { _ = try await dispatcher.run(image) }
      // Gates, and what the last graph gives: no weight is made a tensor again.
      #expect(onnx.tensorCount <= before + 3, "\(before) tensors before")
    }
  }

  @Test func aBundleWithoutATargetForTheEngineSaysWhichItHas() async throws {
    let copy = try BundleCopy("dispatch")
    try copy.edit {
      $0.replacingOccurrences(of: #""format": "onnx""#, with: #""format": "coreml""#)
        .replacingOccurrences(of: #""onnx": {"#, with: #""coreml": {"#)
    }
    let error = try await refused { try await Dispatcher.open(copy.root, engine: onnx) }
    #expect(error.code == .bundleNoTarget)
    #expect(error.message.contains("coreml"))
  }

  @Test func aGraphThatIsCutOffWithRightHashesIsAnErrorOfTheImagesThatNeedIt() async throws {
    let copy = try BundleCopy("dispatch")
    try copy.replace("onnx/step1_e1.onnx") { $0.prefix($0.count / 2) }
    try await withDispatcher(copy.root) { dispatcher in
      try await expectAnswer(dispatcher, 0)
      for _ in 0..<2 {
        let failure = try await failure(dispatcher, 1)
        #expect(failure.code == .engineLoadFailed)
        #expect(failure.fields["graph"] == "step1_e1")
      }
      #expect(await dispatcher.graphStates["step1_e1"] == .failed)
      try await expectAnswer(dispatcher, 2)
    }
  }

  @Test func aStemThatIsCutOffOpensNothing() async throws {
    let copy = try BundleCopy("dispatch")
    try copy.replace("onnx/stem.onnx") { $0.prefix($0.count / 2) }
    let error = try await refused { try await Dispatcher.open(copy.root, engine: onnx) }
    #expect(error.code == .engineLoadFailed)
    #expect(error.fields["graph"] == "stem")
    #expect(onnx.isIdle)
  }

  @Test func weightsThatAreCutOffWithRightHashesOpenNothing() async throws {
    let copy = try BundleCopy("dispatch")
    try copy.replace("onnx/weights.bin") { $0.prefix(64) }
    let error = try await refused { try await Dispatcher.open(copy.root, engine: onnx) }
    #expect(error.code == .engineLoadFailed)
    #expect(onnx.isIdle)
  }

  @Test(arguments: [Data([0]), Data(String(repeating: "no graph", count: 50).utf8), Data(repeating: 255, count: 4096)])
  func bytesThatAreNoGraphWithRightHashesAreRefusedInOneLine(bytes: Data) async throws {
    let copy = try BundleCopy("dispatch")
    try copy.replace("onnx/step1_e1.onnx") { _ in bytes }
    try await withDispatcher(copy.root) { dispatcher in
      let failure = try await failure(dispatcher, 1)
      #expect([.engineLoadFailed, .engineWrongSignature].contains(failure.code))
      #expect(!failure.message.contains("\n"))
    }
  }

  @Test func aGraphWithOtherTensorsIsAnErrorOfTheImagesThatNeedIt() async throws {
    let copy = try BundleCopy("dispatch")
    try copy.edit {
      $0.replacingOccurrences(of: #""file": "onnx/step1_e1.onnx""#, with: #""file": "onnx/stem.onnx""#)
    }
    try await withDispatcher(copy.root) { dispatcher in
      let failure = try await failure(dispatcher, 1)
      #expect(failure.code == .engineWrongSignature)
      #expect(failure.fields["graph"] == "step1_e1")
      try await expectAnswer(dispatcher, 0)
    }
  }

  @Test func aGraphThatFailsInARunStaysAndSoDoesTheDispatcher() async throws {
    let copy = try BundleCopy("dispatch")
    let failing = try Data(contentsOf: RepositoryFiles.failingStep)
    try copy.replace("onnx/step1_e0.onnx") { _ in failing }
    try await withDispatcher(copy.root) { dispatcher in
      for _ in 0..<2 { #expect(try await failure(dispatcher, 0).code == .engineRunFailed) }
      #expect(await dispatcher.resident == ["step1_e0"])
      try await expectAnswer(dispatcher, 1)
    }
  }

  @Test func callsAtOnceThatNeedTheSameColdExpertLoadItOnce() async throws {
    let engine = WatchedEngine(onnx)
    try await withDispatcher(AnswerBundles.root("dispatch"), engine: engine) { dispatcher in
      engine.hold("step1_e1")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 { group.addTask { try await expectAnswer(dispatcher, 1) } }
        while !engine.isLoading { try await Task.sleep(for: .milliseconds(1)) }
        try await expectAnswer(dispatcher, 0)  // Which waits for no load of another one.
        engine.release()
        try await group.waitForAll()
      }
      #expect(engine.loads == ["stem", "step1_e1", "step1_e0"])
    }
  }

  @Test func aCallThatIsCancelledWhileItsExpertLoadsEndsAndTheNextOneAnswers() async throws {
    let engine = WatchedEngine(onnx)
    try await withDispatcher(AnswerBundles.root("dispatch"), engine: engine) { dispatcher in
      engine.hold("step1_e1")
      let image = try image(1)
      let loading = Task { try await dispatcher.run(image) }
      while !engine.isLoading { try await Task.sleep(for: .milliseconds(1)) }
      let waiting = Task { try await dispatcher.run(image) }
      loading.cancel()
      waiting.cancel()
      await #expect(throws: CancellationError.self) { try await waiting.value }
      engine.release()
      _ = await loading.result  // It ends with the load that the engine has begun.
      try await expectAnswer(dispatcher, 1)
      #expect(await dispatcher.resident == ["step1_e1"])
    }
  }

  @Test(arguments: 0..<5)
  func closingFromAnotherTaskWaitsForTheCallsInFlightAndFreesEverything(turn: Int) async throws {
    let dispatcher = try await Dispatcher.open(
      AnswerBundles.root("dispatch"), engine: onnx, residency: Residency(maxExperts: 1))
    let answered = LiveCount()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<3 {
        group.addTask {
          do {
            while true {
              answered.add(1)
              try await expectAnswer(dispatcher, (answered.value + worker) % 3)
              await Task.yield()  // Calls that wait for nothing would keep all threads.
            }
          } catch let closed as MVMoEError {
            #expect(closed.code == .dispatcherClosed)
          }
        }
      }
      while answered.value < 30 { try await Task.sleep(for: .milliseconds(1)) }
      await dispatcher.close()
      #expect(onnx.isIdle)
      try await group.waitForAll()
    }
  }

  @Test func aDispatcherThatIsNeverClosedFreesEverythingWithItsLastReference() async throws {
    var dispatcher: Dispatcher? = try await Dispatcher.open(AnswerBundles.root("dispatch"), engine: onnx)
    for expert in 0..<3 { try await expectAnswer(#require(dispatcher), expert) }
    #expect(onnx.sessionCount == 4)
    dispatcher = nil
    while !onnx.isIdle { try await Task.sleep(for: .milliseconds(1)) }
  }

  @Test func oneEngineServesSeveralDispatchersEachWithGraphsOfItsOwn() async throws {
    var opened: [Dispatcher] = []
    for name in ["dispatch", "bind", "experts"] {
      opened.append(try await Dispatcher.open(AnswerBundles.root(name), engine: onnx))
    }
    for dispatcher in opened { try await dispatcher.check().requireOk() }
    await opened[0].close()
    for dispatcher in opened.dropFirst() { try await dispatcher.check().requireOk() }
    for dispatcher in opened { await dispatcher.close() }
    #expect(onnx.isIdle)
  }

  @Test func twoThreadsAGraphAnswerAsOneDoes() async throws {
    let engine = ONNXEngine(threads: 2)
    let dispatcher = try await Dispatcher.open(AnswerBundles.root("two_stages"), engine: engine)
    try await dispatcher.check().requireOk()
    await dispatcher.close()
    #expect(engine.isIdle)
  }
}
