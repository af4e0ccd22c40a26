import Testing

@testable import MVMoE
@testable import MVMoEONNX

@Suite struct ONNXEngineTests {
  private let bundle: ModelBundle
  private let target: Target

  init() throws {
    bundle = try AnswerBundles.open("dispatch")
    target = try bundle.target("onnx")
  }

  private func refusal(_ engine: ONNXEngine) async throws -> MVMoEError {
    try await refused { try await engine.open(root: bundle.root, target: target) }
  }

  @Test func byDefaultTheCPUComputesOnThreadsOfEachGraph() async throws {
    let engine: any Engine = .onnx()
    #expect(engine.format == "onnx")
    let runner = try await engine.open(root: bundle.root, target: target)
    #expect(runner.provider == "CPU")
    #expect(runner.engineName.wholeMatch(of: /ONNX Runtime 1\.\d+\.\d+ \(CPU\)/) != nil)
  }

  @Test(arguments: [-1, 0, 257])
  func aNumberOfThreadsThatNoMachineShouldStartIsRefused(threads: Int) async throws {
    let error = try await refusal(ONNXEngine(threads: threads))
    #expect(error.code == .inputInvalid)
    #expect(error.message == "threads \(threads) was given; expected 1 to 256")
  }

  @Test(arguments: [ExecutionProvider.xnnpack, .coreML(.cpuAndNeuralEngine)])
  func aProviderThatThisBuildLacksIsRefusedWithThoseThatItHas(provider: ExecutionProvider) async throws {
    let engine = ONNXEngine(threads: 1, provider: provider)
    let error = try await refusal(engine)
    #expect(error.code == .engineOption)
    #expect(error.fields == ["option": "provider"])
    let sentence = "the execution provider \(provider) was given, but this build of ONNX Runtime has CPU;"
    #expect(error.message.hasPrefix(sentence))
    #expect(engine.optionsCount == 0)
  }

  @Test func threadsOfGraphsStopSpinningWithTheRunAndWithXNNPACKTheyDoNotSpinAtAll() throws {
    let library = try #require(OrtLibrary.shared)
    let entries = ["session.force_spinning_stop", "session.intra_op.allow_spinning"]
    for (provider, wanted) in [(ExecutionProvider.cpu, ["1", nil]), (.xnnpack, ["1", "0"])] {
      let options = try SessionOptions(library, live: LiveCount())
      try options.setThreads(2, provider: provider, hasPool: false)
      #expect(try entries.map(options.entry) == wanted)
    }
  }

  @Test func aPoolOfTheProcessComesTooLateWhereONNXRuntimeIsInUse() async throws {
    let runner = try await ONNXEngine(threads: 1).open(root: bundle.root, target: target)
    let error = try await refusal(ONNXEngine(threads: 1, pool: .process))
    #expect(error.code == .engineOption)
    #expect(error.fields == ["option": "pool"])
    #expect(error.message.hasPrefix("pool .process was given, but ONNX Runtime is in use in this process already"))
    withExtendedLifetime(runner) {}
  }
}
