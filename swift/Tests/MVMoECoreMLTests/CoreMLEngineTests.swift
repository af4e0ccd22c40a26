#if canImport(MVMoEONNX)
  import Foundation
  import MVMoEONNX
  import Testing

  @testable import MVMoE
  @testable import MVMoECoreML

  /// Graphs over a stand-in for Core ML: what is asked of it, what becomes of what it gives, and what it cannot do.
  @Suite struct CoreMLEngineTests {
    /// A runner over a stand-in, and what it needs.
    private struct Room {
      let bundle: CoreMLBundle
      let system: FakeCoreML
      let engine: CoreMLEngine
      let cache: TemporaryFolder
      let target: Target
      let runner: CoreMLRunner

      init(
        _ name: String = "dispatch", isMultifunction: Bool = true, units: ComputeUnits = .cpuAndNeuralEngine,
        limit: Duration? = .seconds(60), _ change: (inout FakeBehaviour) -> Void = { _ in }
      ) throws {
        bundle = try CoreMLBundle(name, isMultifunction: isMultifunction)
        system = FakeCoreML(bundle, change)
        cache = try TemporaryFolder()
        engine = CoreMLEngine(
          CoreMLOptions(computeUnits: units, loadTimeLimit: limit, cache: cache.url), system: system,
          sleep: system.clock.sleep)
        target = try bundle.open().target
        runner = try engine.runner(root: bundle.root, target: target)
      }

      func graph(_ name: String) throws -> Graph { try #require(target.graphs.first { $0.name == name }) }

      func load(_ name: String) async throws -> any LoadedGraph { try await runner.load(graph(name)) }

      /// What a graph gives for inputs that differ everywhere, in Core ML's stand-in and in ONNX Runtime.
      func compare(_ name: String, runs: Int = 1) async throws {
        let graph = try graph(name)
        let inputs = Dictionary(graph.inputs.map { ($0.name, filled($0)) }, uniquingKeysWith: { $1 })
        let (found, wanted) = (outputs(graph), outputs(graph))
        let bound = try (await load(name)).bind(inputs: inputs, outputs: found)
        let onnx = try ModelBundle.open(bundle.onnx).target("onnx")
        let onnxGraph = try #require(onnx.graphs.first { $0.name == name })
        let other = try await ONNXEngine(threads: 1).open(root: bundle.onnx, target: onnx).load(onnxGraph)
        let reference = try other.bind(inputs: inputs, outputs: wanted)
        for run in 0..<runs {
          inputs.values.first?.floats[0] += Float(run)
          try await bound.run()
          try await reference.run()
          for spec in graph.outputs { #expect(found[spec.name]?.numbers == wanted[spec.name]?.numbers) }
        }
      }

      func outputs(_ graph: Graph) -> [String: Tensor] {
        Dictionary(
          graph.outputs.map { ($0.name, Tensor(dtype: $0.dtype, shape: $0.shape)) }, uniquingKeysWith: { $1 })
      }

      private func filled(_ spec: TensorSpec) -> Tensor {
        let count = spec.shape.reduce(1, *)
        return Tensor((0..<count).map { Float($0 % 17) / 8 - 1 }, shape: spec.shape)
      }
    }

    // MARK: - What graphs give

    @Test(arguments: [
      FakeBehaviour.Answer.inPlace, .elsewhere, .mixed, .padded, .transposed, .flat, .of(.float64), .refusesMemory,
    ]) func graphsGiveWhatTheyCompute(answer: FakeBehaviour.Answer) async throws {
      for isMultifunction in [true, false] {
        let room = try Room(isMultifunction: isMultifunction) { $0.answer = { _, _ in answer } }
        try await room.compare("stem", runs: 3)
        try await room.compare("step1_e1", runs: 2)
      }
    }

    @Test func memoryThatWasRefusedIsNotProposedAgain() async throws {
      let room = try Room { $0.answer = { _, _ in .refusesMemory } }
      try await room.compare("stem", runs: 3)
      #expect(room.system.predictions == 4)
      #expect(room.system.proposals == 1)
      #expect(room.engine.notes == ["graph stem does not write into memory that it is given: what it gives is copied"])
    }

    @Test func aGraphThatFailsWithAndWithoutMemoryIsNoGraphThatRefusesIt() async throws {
      let room = try Room { $0.answer = { _, _ in .fails("E5RT: it has timed out") } }
      let graph = try room.graph("stem")
      let inputs = ["image": Tensor(dtype: .float32, shape: graph.inputs[0].shape)]
      let bound = try (await room.load("stem")).bind(inputs: inputs, outputs: room.outputs(graph))
      let failure = await thrown(MVMoEError.self) { try await bound.run() }
      #expect(failure?.code == .engineRunFailed)
      #expect(failure?.message == "graph stem failed in Core ML: E5RT: it has timed out")
      room.system.behave { $0.answer = { _, _ in .inPlace } }
      try await bound.run()
      #expect(room.system.proposals == 2)
      #expect(room.engine.notes == [])
    }

    @Test(arguments: [FakeBehaviour.Answer.fewerNumbers, .nothing, .outOfBounds])
    func otherOutputsThanTheManifestsAreRefused(answer: FakeBehaviour.Answer) async throws {
      let room = try Room { $0.answer = { _, _ in answer } }
      let failure = await thrown(MVMoEError.self) { try await room.compare("stem") }
      #expect(failure?.code == .engineWrongSignature)
      #expect(failure?.fields["graph"] == "stem")
      #expect(failure?.message.contains("but the manifest says float32 [1, ") == true)
    }

    @Test func aRunIsFinishedWhereItsTaskIsCancelled() async throws {
      let room = try Room()
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await room.compare("stem")
      }
      try await task.value
      #expect(room.system.proposals == 1)
      #expect(room.engine.notes == [])
    }

    @Test func otherTensorsThanTheGraphsAreNotBound() async throws {
      let room = try Room()
      let loaded = try await room.load("stem")
      let failure = await thrown(MVMoEError.self) {
        try loaded.bind(inputs: [:], outputs: room.outputs(room.graph("stem")))
      }
      #expect(failure?.code == .inputShape)
    }

    // MARK: - What models say of themselves

    @Test func aModelWithOtherTensorsIsRefused() async throws {
      let others: [@Sendable (ModelFeature) -> ModelFeature] = [
        { ModelFeature(name: "other_" + $0.name, kind: $0.kind) },
        { ModelFeature(name: $0.name, kind: .array(shape: [9], type: "float32")) },
        { ModelFeature(name: $0.name, kind: .other("feature type 3")) },
        { ModelFeature(name: $0.name, kind: .image(width: 8, height: 8, channels: 3)) },
      ]
      for other in others {
        let room = try Room { $0.describe = other }
        let failure = await thrown(MVMoEError.self) { try await room.load("stem") }
        #expect(failure?.code == .engineWrongSignature)
        #expect(room.engine.states == ["stem": .failed])
        // It is not about units: they are not changed.
        #expect(room.system.loads.count == 1)
      }
    }

    @Test func anOutputWhoseShapeIsOpenIsComparedWhenTheGraphHasRun() async throws {
      let room = try Room {
        $0.describe = { feature in
          feature.name == "image" ? feature : ModelFeature(name: feature.name, kind: .array(shape: [], type: "float32"))
        }
      }
      try await room.compare("stem")
    }

    @Test func anImageIsTheTensorThatTheManifestMakesOfIt() {
      let pixels = PixelScaling(channelOrder: .rgb, scale: [1, 1, 1], bias: [0, 0, 0])
      let spec = TensorSpec(name: "image", shape: [1, 3, 4, 6], dtype: .float32, pixels: pixels)
      let image = ModelFeature(name: "image", kind: .image(width: 6, height: 4, channels: 3))
      #expect(image.signature(spec).fits(spec))
      let grey = ModelFeature(name: "image", kind: .image(width: 6, height: 4, channels: 1))
      #expect(!grey.signature(spec).fits(spec))
      let turned = ModelFeature(name: "image", kind: .image(width: 4, height: 6, channels: 3))
      #expect(!turned.signature(spec).fits(spec))
      let array = ModelFeature(name: "image", kind: .array(shape: [1, 3, 4, 6], type: "float32"))
      #expect(!array.signature(spec).fits(spec))
      let plain = TensorSpec(name: "image", shape: [1, 3, 4, 6], dtype: .float32, pixels: nil)
      #expect(array.signature(plain).fits(plain))
      #expect(!image.signature(plain).fits(plain))
    }

    @Test func aFunctionThatThePackageLacksIsSaidBeforeItIsLoaded() async throws {
      let room = try Room { $0.functionNames = { $0.filter { $0 != "stem" } } }
      let failure = await thrown(MVMoEError.self) { try await room.load("stem") }
      #expect(failure?.code == .engineLoadFailed)
      #expect(
        failure?.message
          == "graph stem (coreml/model.mlpackage) does not load in Core ML: the package has no function stem, it has "
          + "step1_e0, step1_e1, step1_e2; export the bundle again")
      #expect(room.system.loads == [])
    }

    @Test func thePackageIsAskedForItsFunctionsOnce() async throws {
      let asked = Guarded(0)
      let room = try Room {
        $0.functionNames = { names in
          asked.withLock { $0 += 1 }
          return names
        }
      }
      for graph in room.target.graphs { _ = try await room.load(graph.name) }
      #expect(asked.withLock { $0 } == 1)
    }

    @Test func aPackageOfOneGraphHasNoFunctions() async throws {
      let room = try Room(isMultifunction: false) { $0.functionNames = { _ in [] } }
      try await room.compare("step1_e0")
      #expect(room.system.configurations.map(\.function) == [nil])
      #expect(room.system.compiled == ["step1_e0.mlpackage"])
    }

    // MARK: - Units

    @Test func aLoadThatHangsIsAbandonedAndItsUnitsAreGivenUp() async throws {
      let limit = Duration.milliseconds(50)
      let room = try Room(limit: limit) {
        $0.load = { units, _ in units == .cpuAndNeuralEngine ? .hangs : .works }
      }
      defer { room.system.release() }
      #expect(room.runner.provider == "cpuAndNeuralEngine")
      try await room.compare("stem")
      try await room.compare("step1_e0")
      #expect(
        room.system.loads.map(\.units) == [.cpuAndNeuralEngine, .cpuAndGPU, .cpuAndGPU],
        "graphs after it do not wait for as long")
      #expect(room.runner.provider == "cpuAndGPU")
      #expect(room.runner.engineName == "Core ML of iOS 18.1 (cpuAndGPU)")
      let note =
        "with the compute units cpuAndNeuralEngine graph stem did not load within 0.05 s: graphs run with cpuAndGPU instead"
      #expect(room.runner.notes == [note])
      #expect(room.engine.notes == [note])
    }

    @Test func unitsThatRefuseAGraphArePassedOverForIt() async throws {
      let room = try Room {
        $0.load = { units, graph in
          units == .cpuAndNeuralEngine && graph == "step1_e1" ? .fails("ANE compilation failed") : .works
        }
      }
      try await room.compare("stem")
      try await room.compare("step1_e1")
      try await room.compare("step1_e2")
      #expect(
        room.system.loads.map(\.units)
          == [.cpuAndNeuralEngine, .cpuAndNeuralEngine, .cpuAndGPU, .cpuAndNeuralEngine])
      #expect(room.runner.provider == "cpuAndNeuralEngine, cpuAndGPU")
      #expect(
        room.runner.notes == [
          "with the compute units cpuAndNeuralEngine graph step1_e1 (coreml/model.mlpackage) does not load in Core ML: "
            + "ANE compilation failed: it runs with cpuAndGPU instead"
        ])
    }

    @Test(arguments: [ComputeUnits.all, .cpuAndNeuralEngine, .cpuAndGPU, .cpuOnly])
    func allUnitsAreTriedAndTheFirstsErrorIsThrown(units: ComputeUnits) async throws {
      let room = try Room(units: units) { $0.load = { units, _ in .fails("not on \(units.rawValue)") } }
      let failure = await thrown(MVMoEError.self) { try await room.load("stem") }
      #expect(failure?.code == .engineLoadFailed)
      #expect(
        failure?.message
          == "graph stem (coreml/model.mlpackage) does not load in Core ML: not on \(units.rawValue)")
      #expect(room.system.loads.map(\.units) == [units] + units.fallbacks)
      #expect(room.engine.states == ["stem": .failed])
      room.system.behave { $0.load = { _, _ in .works } }
      try await room.compare("stem")
      #expect(room.runner.provider == units.rawValue)
    }

    @Test func whereNothingLoadsInTimeThatIsTheError() async throws {
      let room = try Room(limit: .milliseconds(20)) { $0.load = { _, _ in .hangs } }
      defer { room.system.release() }
      let failure = await thrown(MVMoEError.self) { try await room.load("stem") }
      #expect(failure?.code == .engineTimeout)
      #expect(failure?.fields["graph"] == "stem")
      #expect(
        failure?.message
          == "graph stem (coreml/model.mlpackage) did not load in Core ML within 0.02 s; give it more time "
          + "(loadTimeLimit), or other compute units")
      // The last units are not given up: what hangs once may load later.
      room.system.behave { $0.load = { _, _ in .works } }
      try await room.compare("stem")
      #expect(room.runner.provider == "cpuOnly")
    }

    @Test func anErrorSaysMoreThanATimeLimit() async throws {
      let room = try Room(limit: .milliseconds(20)) {
        $0.load = { units, _ in units == .cpuAndNeuralEngine ? .hangs : .fails("the weights are damaged") }
      }
      defer { room.system.release() }
      let failure = await thrown(MVMoEError.self) { try await room.load("stem") }
      #expect(failure?.code == .engineLoadFailed)
      #expect(failure?.message.hasSuffix("the weights are damaged") == true)
    }

    @Test func nothingElseIsTriedWhereThatIsNotWanted() async throws {
      let bundle = try CoreMLBundle("dispatch")
      let cache = try TemporaryFolder()
      let system = FakeCoreML(bundle) { $0.load = { _, _ in .fails("no") } }
      let engine = CoreMLEngine(
        CoreMLOptions(fallsBack: false, cache: cache.url), system: system, sleep: system.clock.sleep)
      let target = try bundle.open().target
      let runner = try await engine.open(root: bundle.root, target: target)
      let failure = await thrown(MVMoEError.self) { try await runner.load(target.graphs[0]) }
      #expect(failure?.code == .engineLoadFailed)
      #expect(system.loads.map(\.units) == [.cpuAndNeuralEngine])
    }

    @Test func memoryThatRanOutIsALimit() async throws {
      let room = try Room { $0.load = { _, _ in .fails("Failed to allocate memory for the model") } }
      let failure = await thrown(MVMoEError.self) { try await room.load("stem") }
      #expect(failure?.code == .limitMemory)
    }

    @Test func loadsAtOnceAreLoadsOfTheirOwnOverOneCompilation() async throws {
      let room = try Room { $0.compile = .takes(.milliseconds(30)) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for name in ["stem", "step1_e0", "step1_e1", "step1_e2", "stem"] {
          group.addTask { _ = try await room.load(name) }
        }
        try await group.waitForAll()
      }
      #expect(room.system.compiled == ["model.mlpackage"])
      #expect(room.system.loads.count == 5)
    }

    // MARK: - States and memory

    @Test func statesAreTold() async throws {
      let room = try Room(limit: .milliseconds(50)) {
        $0.load = { units, _ in units == .cpuAndNeuralEngine ? .hangs : .works }
      }
      defer { room.system.release() }
      var changes = room.engine.changes.makeAsyncIterator()
      var graph: (any LoadedGraph)? = try await room.load("stem")
      #expect(room.engine.states == ["stem": .loaded(.cpuAndGPU)])
      #expect(room.engine.modelCount == 1)
      #expect(room.system.models == 1)
      withExtendedLifetime(graph) {}
      graph = nil
      #expect(room.engine.modelCount == 0)
      #expect(try await room.system.isEmptied())
      var told: [CoreMLChange] = []
      for _ in 0..<5 { told.append(try #require(await changes.next())) }
      #expect(
        told.map(\.state)
          == [.compiling, .loading(.cpuAndNeuralEngine), .loading(.cpuAndGPU), .loaded(.cpuAndGPU), .unloaded])
      #expect(told.allSatisfy { $0.graph == "stem" })
      #expect(told[0].after == nil)
      #expect(try #require(told[2].after) >= .zero)
      #expect(told[3].reason == "graph stem did not load within 0.05 s")
      #expect(told[1].reason == nil)
    }

    @Test func aBindingKeepsTheModel() async throws {
      let room = try Room()
      let graph = try room.graph("stem")
      let inputs = ["image": Tensor(dtype: .float32, shape: graph.inputs[0].shape)]
      var bound: (any BoundGraph)? = try (await room.load("stem")).bind(inputs: inputs, outputs: room.outputs(graph))
      #expect(room.system.models == 1 && room.engine.modelCount == 1)
      try await bound?.run()
      bound = nil
      #expect(try await room.system.isEmptied())
      #expect(room.engine.modelCount == 0)
    }

    @Test func aGraphIsUnloadedWithTheLastOfItsCopies() async throws {
      let room = try Room()
      var old: (any LoadedGraph)? = try await room.load("stem")
      var new: (any LoadedGraph)? = try await room.load("stem")
      #expect(room.engine.modelCount == 2)
      withExtendedLifetime(old) {}
      old = nil
      #expect(room.engine.states == ["stem": .loaded(.cpuAndNeuralEngine)])
      #expect(room.engine.modelCount == 1)
      withExtendedLifetime(new) {}
      new = nil
      #expect(room.engine.states == ["stem": .unloaded])
      #expect(room.engine.modelCount == 0)
    }

    @Test func aGraphThatIsLoadedAgainIsNotUnloadedByItsCopyBefore() async throws {
      let room = try Room(limit: nil)
      var old: (any LoadedGraph)? = try await room.load("stem")
      withExtendedLifetime(old) {}
      room.system.behave { $0.load = { _, _ in .hangs } }
      let loading = Task { try await room.load("stem") }
      while room.system.loads.count < 2 { await Task.yield() }
      old = nil
      #expect(room.engine.states == ["stem": .loading(.cpuAndNeuralEngine)])
      #expect(room.engine.modelCount == 0)
      while room.engine.modelCount == 0 {
        room.system.release()
        await Task.yield()
      }
      let new = try await loading.value
      #expect(room.engine.states == ["stem": .loaded(.cpuAndNeuralEngine)])
      withExtendedLifetime(new) {}
    }

    @Test(.timeLimit(.minutes(1))) func changesEndWithTheEngine() async throws {
      var room: Room? = try Room()
      let changes = try #require(room?.engine.changes)
      var graph = try await room?.load("stem")
      withExtendedLifetime(graph) {}
      room = nil
      graph = nil
      let told = await changes.reduce(into: []) { $0.append($1.state) }
      #expect(told == [.compiling, .loading(.cpuAndNeuralEngine), .loaded(.cpuAndNeuralEngine), .unloaded])
    }

    @Test func whoeverLooksAwayIsForgotten() async throws {
      let room = try Room()
      do { _ = room.engine.changes }
      _ = try await room.load("stem")
      let watching = Task { [changes = room.engine.changes] in for await _ in changes {} }
      watching.cancel()
      await watching.value
      _ = try await room.load("stem")
    }
  }
#endif
