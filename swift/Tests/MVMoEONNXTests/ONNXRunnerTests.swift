import Foundation
import Testing

@testable import MVMoE
@testable import MVMoEONNX

@Suite struct ONNXRunnerTests {
  private let engine = ONNXEngine(threads: 1)

  /// A runner of a bundle's graphs, in which nothing native is left after `body`.
  private func withRunner(_ bundle: ModelBundle, _ body: (any Runner) async throws -> Void) async throws {
    try await body(engine.open(root: bundle.root, target: bundle.target("onnx")))
    #expect(engine.isIdle)
  }

  @Test func stemAndExpertInARowAnswerAsTheGoldenVectors() async throws {
    let bundle = try AnswerBundles.open("dispatch")
    let golden = try Golden(bundle)
    let stem = try bundle.graph("stem")
    try await withRunner(bundle) { runner in
      let (inputs, given) = (stem.newInputs(), stem.newOutputs())
      let bound = try await runner.load(stem).bind(inputs: inputs, outputs: given)
      for number in 0..<golden.images {
        try inputs["image"]?.put(golden.of("image", number))
        try await bound.run()
        let logits = try #require(given["logits"]).numbers
        #expect(try golden.error(logits, "logits.1", number) <= Golden.bound)
        let route = try golden.route(1, number)
        let graph = try bundle.graph("step1_e\(route[0])")
        let gate = Tensor([try golden.of("gates.1", number)[route[0]]], shape: [1, 1])
        let answer = graph.newOutputs()
        let tokens = try #require(given["tokens"])
        try await runner.load(graph).bind(inputs: ["tokens": tokens, "gates": gate], outputs: answer).run()
        #expect(try golden.error(#require(answer["answer"]).numbers, "outputs.answer", number) <= Golden.bound)
      }
    }
  }

  @Test(arguments: AnswerBundles.names)
  func everyGraphOfEveryBundleIsWhatItsManifestSays(name: String) async throws {
    let bundle = try AnswerBundles.open(name)
    try await withRunner(bundle) { runner in
      for graph in try bundle.target("onnx").graphs {
        try await runner.load(graph).bind(inputs: graph.newInputs(), outputs: graph.newOutputs()).run()
      }
    }
  }

  @Test(arguments: AnswerBundles.names)
  func theEngineSaysWhichProviderRunsTheOperatorsOfAGraph(name: String) async throws {
    let bundle = try AnswerBundles.open(name)
    try await withRunner(bundle) { runner in
      let reporting = try #require(runner as? any ReportsPlacement)
      for graph in try bundle.target("onnx").graphs {
        let placement = try await reporting.placement(graph)
        #expect(Array(placement.byUnit.keys) == ["CPU"])
        #expect(placement.byUnit["CPU", default: 0] > 0)
        #expect(placement.outside.isEmpty)
      }
    }
  }

  @Test func aTensorOfSeveralBindingsIsOneOfONNXRuntimes() async throws {
    let bundle = try AnswerBundles.open("dispatch")
    let (stem, step) = try (bundle.graph("stem"), bundle.graph("step1_e0"))
    try await withRunner(bundle) { runner in
      let given = stem.newOutputs()
      var first: (any BoundGraph)? = try await runner.load(stem).bind(inputs: stem.newInputs(), outputs: given)
      #expect(engine.tensorCount == 3)  // image, tokens, logits
      let graph = try await runner.load(step)
      let inputs = try ["gates": #require(step.newInputs()["gates"]), "tokens": #require(given["tokens"])]
      var bound = try (0..<2).map { _ in try graph.bind(inputs: inputs, outputs: step.newOutputs()) }
      #expect(engine.tensorCount == 3 + 1 + 2)  // gates once, an answer for each
      bound.removeFirst()
      #expect(engine.tensorCount == 5)
      withExtendedLifetime(first) {}
      first = nil
      #expect(engine.tensorCount == 3)  // tokens, which the second graph still reads
      #expect(engine.sessionCount == 1)
      try await bound[0].run()
    }
  }

  @Test func weightsThatWerePreparedAreNotMadeAgain() async throws {
    let bundle = try AnswerBundles.open("bind")
    let graph = try bundle.graph("step1_bind")
    try await withRunner(bundle) { runner in
      let loaded = try await runner.load(graph)
      let inputs = graph.newInputs()
      let weights = inputs.filter { graph.bound[$0.key] != nil }
      try loaded.prepare(weights)
      try loaded.prepare(weights)
      #expect(engine.tensorCount == weights.count)
      for _ in 0..<2 { try await loaded.bind(inputs: inputs, outputs: graph.newOutputs()).run() }
      #expect(engine.tensorCount == weights.count)
    }
  }

  @Test func twoBindingsOfOneGraphRunAtOnce() async throws {
    let bundle = try AnswerBundles.open("dispatch")
    let golden = try Golden(bundle)
    let stem = try bundle.graph("stem")
    try await withRunner(bundle) { runner in
      let loaded = try await runner.load(stem)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<4 {
          group.addTask {
            let (inputs, given) = (stem.newInputs(), stem.newOutputs())
            let bound = try loaded.bind(inputs: inputs, outputs: given)
            for turn in 0..<50 {
              let number = (turn + worker) % golden.images
              try inputs["image"]?.put(golden.of("image", number))
              try await bound.run()
              #expect(try golden.error(#require(given["logits"]).numbers, "logits.1", number) <= Golden.bound)
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func aGraphOfAnotherStageIsRefusedByItsTensors() async throws {
    let copy = try BundleCopy("dispatch")
    try copy.edit {
      $0.replacingOccurrences(of: #""file": "onnx/step1_e1.onnx""#, with: #""file": "onnx/stem.onnx""#)
    }
    let bundle = try ModelBundle.open(copy.root)
    try await withRunner(bundle) { runner in
      let error = try await refused { try await runner.load(bundle.graph("step1_e1")) }
      #expect(error.code == .engineWrongSignature)
      #expect(error.fields["graph"] == "step1_e1")
    }
  }

  @Test(arguments: ["onnx/step1_e0.onnx", "onnx/weights.bin"])
  func aGraphThatIsCutOffIsRefusedWithWhatONNXRuntimeSays(path: String) async throws {
    let copy = try BundleCopy("dispatch")
    let file = copy.root.appending(path: path)
    let whole = try Data(contentsOf: file)
    try whole.prefix(whole.count / 2).write(to: file)
    let bundle = try ModelBundle.open(copy.root)
    try await withRunner(bundle) { runner in
      let error = try await refused { try await runner.load(bundle.graph("step1_e0")) }
      #expect(error.code == .engineLoadFailed)
      #expect(error.fields["graph"] == "step1_e0")
      #expect(
        error.message.hasPrefix("graph step1_e0 (onnx/step1_e0.onnx) does not load in ONNX Runtime 1."))
      #expect(!error.message.contains("\n"))
    }
  }

  /// Damage that leaves a graph which loads is none of the engine's business: hashes find it.
  @Test func ofAGraphWithDamagedBytesNothingElseIsSaidThanThatItDoesNotLoadOrHasOtherTensors() async throws {
    let copy = try BundleCopy("dispatch")
    let file = copy.root.appending(path: "onnx/step1_e0.onnx")
    let healthy = try Data(contentsOf: file)
    var random = SeededRandom(17)
    var codes: [ErrorCode: Int] = [:]
    let bundle = try ModelBundle.open(copy.root)
    let graph = try bundle.graph("step1_e0")
    try await withRunner(bundle) { runner in
      for _ in 0..<300 {
        var damaged = healthy
        for _ in 0..<Int.random(in: 1..<8, using: &random) {
          damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        try damaged.write(to: file)
        do {
          _ = try await runner.load(graph)
        } catch let error as MVMoEError {
          codes[error.code, default: 0] += 1
          #expect(!error.message.contains("\n"))
        }
      }
    }
    #expect(codes[.engineLoadFailed, default: 0] > 50)
    #expect(Set(codes.keys).isSubset(of: [.engineLoadFailed, .engineWrongSignature]))
  }

  @Test func aGraphThatFailsInARunIsNamedAndRunsAgain() async throws {
    let copy = try BundleCopy("dispatch")
    let failing = try Data(contentsOf: RepositoryFiles.failingStep)
    try copy.replace("onnx/step1_e0.onnx") { _ in failing }
    let bundle = try ModelBundle.open(copy.root)
    let graph = try bundle.graph("step1_e0")
    try await withRunner(bundle) { runner in
      let (inputs, outputs) = (graph.newInputs(), graph.newOutputs())
      let bound = try await runner.load(graph).bind(inputs: inputs, outputs: outputs)
      let error = try await refused { try await bound.run() }
      #expect(error.code == .engineRunFailed)
      #expect(error.message.contains("graph step1_e0 failed in ONNX Runtime 1."))
      #expect(error.message.contains("out of data bounds"))
      inputs["gates"]?.put([-100])  // The row 0.
      inputs["tokens"]?.put((0..<(5 * 16)).map(Float.init))
      try await bound.run()
      #expect(outputs["answer"]?.numbers == [0, 1, 2, 3, 4])
    }
  }

  @Test func tensorsThatAreNotTheGraphsAreNotBound() async throws {
    let bundle = try AnswerBundles.open("dispatch")
    let stem = try bundle.graph("stem")
    try await withRunner(bundle) { runner in
      let loaded = try await runner.load(stem)
      let error = try await refused { try loaded.bind(inputs: [:], outputs: stem.newOutputs()) }
      #expect(error.code == .inputShape)
      #expect(engine.tensorCount == 0)
    }
  }
}
