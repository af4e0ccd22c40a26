#if os(Linux)
  import Foundation
  import MVMoEONNX
  import Testing

  @testable import MVMoE
  @testable import MVMoEExecuTorch

  /// The engine over a stand-in for ExecuTorch that computes, and notices what crashes the real one.
  @Suite struct ExecuTorchEngineTests {
    private final class Room: Sendable {
      let bundle: ExecuTorchBundle
      let system: FakeExecuTorch
      let engine: ExecuTorchEngine

      init(
        _ name: String = "dispatch", delegate: String? = "xnnpack", _ faults: [String: FakeExecuTorch.Fault] = [:]
      ) throws {
        bundle = try ExecuTorchBundle(name, delegate: delegate)
        system = FakeExecuTorch(bundle, faults)
        engine = ExecuTorchEngine(programs: system)
      }

      func open(_ residency: Residency = Residency()) async throws -> Dispatcher {
        try await Dispatcher.open(bundle.root, engine: engine, residency: residency)
      }

      func close(_ dispatcher: Dispatcher) async {
        await dispatcher.close()
        #expect(engine.moduleCount == 0)
        #expect(system.methods.withLock { $0 } == 0)
        #expect(system.wrongs.withLock { $0 } == [])
      }
    }

    private func images(_ dispatcher: Dispatcher, _ count: Int) -> Tensor {
      let shape = dispatcher.bundle.manifest.input.shape
      var random = SystemRandomNumberGenerator()
      let numbers = (0..<count * shape.reduce(1, *)).map { _ in Float.random(in: -2...2, using: &random) }
      return Tensor(numbers, shape: [count] + shape)
    }

    /// The error of the first image that takes an expert.
    private func failure(_ dispatcher: Dispatcher, of expert: Int) async throws -> MVMoEError {
      for _ in 0..<200 {
        do {
          _ = try await dispatcher.run(images(dispatcher, 1))
        } catch let error as MVMoEError {
          #expect(error.fields["graph"] == .text("step1_e\(expert)"))
          return error
        } catch let error as PartialResultError {
          return try #require(error.failures.values.first)
        }
      }
      throw FakeError("no image takes expert \(expert)")
    }

    @Test(arguments: ["dispatch", "experts", "bind", "two_stages", "in_graph"])
    func itAnswersAsONNXRuntimeDoes(name: String) async throws {
      let room = try Room(name)
      for residency in [Residency(), Residency(maxExperts: 1)] {
        let dispatcher = try await room.open(residency)
        #expect(dispatcher.engineName == "ExecuTorch (xnnpack)")
        #expect(dispatcher.provider == "xnnpack")
        try await dispatcher.check().requireOk()
        let images = images(dispatcher, 24)
        let onnx = try await Dispatcher.open(room.bundle.onnx, engine: .onnx(threads: 1))
        let (found, wanted) = (try await dispatcher.run(images), try await onnx.run(images))
        #expect(found.map(\.routes) == wanted.map(\.routes))
        for (one, other) in zip(found, wanted) { #expect(one.outputs.map(\.values) == other.outputs.map(\.values)) }
        await onnx.close()
        await room.close(dispatcher)
      }
    }

    @Test func eachGraphIsAModuleAndIsReleasedAlone() async throws {
      let room = try Room()
      let dispatcher = try await room.open(Residency(maxExperts: 1))
      #expect(room.engine.moduleCount == 1)
      _ = try await dispatcher.run(images(dispatcher, 24))
      #expect(room.engine.moduleCount == 2)
      await dispatcher.trim()
      #expect(room.engine.moduleCount == 1)
      try await dispatcher.check().requireOk()
      await room.close(dispatcher)
    }

    @Test func whatAGraphGaveStaysAsItWasWhenItRunsAgain() async throws {
      let room = try Room()
      let target = try room.bundle.target()
      let stem = try #require(target.graphs.first)
      let loaded = try await room.engine.open(root: room.bundle.root, target: target).load(stem)
      func tensors(_ specs: [TensorSpec], _ number: Float) -> [String: Tensor] {
        Dictionary(
          specs.map { ($0.name, Tensor([Float](repeating: number, count: $0.shape.reduce(1, *)), shape: $0.shape)) },
          uniquingKeysWith: { $1 })
      }
      let outputs = [tensors(stem.outputs, 0), tensors(stem.outputs, 0)]
      let bound = try [0.5, -0.5].enumerated().map { place, number in
        try loaded.bind(inputs: tensors(stem.inputs, Float(number)), outputs: outputs[place])
      }
      try await bound[0].run()
      let first = outputs[0]["tokens"]?.numbers
      try await bound[1].run()
      #expect(outputs[0]["tokens"]?.numbers == first)
      #expect(outputs[1]["tokens"]?.numbers != first)
    }

    @Test func callsOfOneGraphAtOnceWaitForEachOther() async throws {
      let room = try Room()
      let dispatcher = try await room.open(Residency(maxExperts: 2))
      let images = images(dispatcher, 16)
      let wanted = try await dispatcher.run(images).map { $0.outputs.map(\.values) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            for _ in 0..<10 {
              let found = try await dispatcher.run(images).map { $0.outputs.map(\.values) }
              #expect(found == wanted)
            }
          }
        }
        try await group.waitForAll()
      }
      await room.close(dispatcher)
    }

    @Test func aMethodThatDoesNotLoadIsAnErrorOfTheImagesThatNeedIt() async throws {
      let room = try Room("dispatch", ["step1_e1": .load("Resource not found\nDetailed logs: of several lines")])
      let dispatcher = try await room.open()
      let failure = try await failure(dispatcher, of: 1)
      #expect(failure.code == .engineLoadFailed)
      #expect(
        failure.message
          == "graph step1_e1 (executorch/model.pte) does not load in ExecuTorch: Resource not found")
      await room.close(dispatcher)
    }

    @Test func aLoadForWhichThereIsNoMemorySaysSo() async throws {
      let room = try Room("dispatch", ["stem": .load("Memory allocation failed")])
      do {
        _ = try await room.open()
        Issue.record("it opened")
      } catch let error as MVMoEError {
        #expect(error.code == .limitMemory)
      }
    }

    @Test func aMethodThatFailsInARunIsAnErrorOfItsImageAndStays() async throws {
      let room = try Room("dispatch", ["step1_e0": .run("Invalid argument")])
      let dispatcher = try await room.open()
      let failure = try await failure(dispatcher, of: 0)
      #expect(failure.code == .engineRunFailed)
      #expect(failure.message == "graph step1_e0 failed in ExecuTorch: Invalid argument")
      #expect(await dispatcher.resident.contains("step1_e0"))
      await room.close(dispatcher)
    }

    @Test func aMethodWithOtherOutputsIsRefusedWhenItIsLoaded() async throws {
      let faults: [FakeExecuTorch.Fault] = [
        .fewerOutputs, .says { _ in nil }, .says { _ in MethodTensor(type: "float32", shape: [5]) },
        .says { MethodTensor(type: "float64", shape: $0?.shape ?? []) },
      ]
      for fault in faults {
        let room = try Room("dispatch", ["step1_e2": fault])
        let dispatcher = try await room.open()
        let failure = try await failure(dispatcher, of: 2)
        #expect(failure.code == .engineWrongSignature)
        #expect(failure.fields["graph"] == "step1_e2")
        await room.close(dispatcher)
      }
    }

    @Test func aMethodThatGivesOtherOutputsThanItSaysIsRefusedWhenItHasRun() async throws {
      let changes: [@Sendable ([GivenTensor?]) -> [GivenTensor?]] = [
        { $0.dropLast() }, { $0.map { _ in nil } },
        { $0.map { $0.map { GivenTensor(tensor: MethodTensor(type: "float32", shape: [5]), bytes: $0.bytes) } } },
      ]
      for change in changes {
        let room = try Room("dispatch", ["step1_e2": .changes(change)])
        let dispatcher = try await room.open()
        #expect(try await failure(dispatcher, of: 2).code == .engineWrongSignature)
        await room.close(dispatcher)
      }
    }

    @Test func tensorsThatAreNotTheGraphsAreNotBound() async throws {
      let room = try Room()
      let target = try room.bundle.target()
      let loaded = try await room.engine.open(root: room.bundle.root, target: target).load(target.graphs[0])
      #expect(throws: MVMoEError.self) { try loaded.bind(inputs: [:], outputs: [:]) }
    }

    @Test func withoutADelegateItRunsOnItsOwnKernels() async throws {
      let room = try Room(delegate: nil)
      let dispatcher = try await room.open()
      #expect(dispatcher.provider == "portable")
      await room.close(dispatcher)
    }

    @Test func withoutExecuTorchThatIsOneSentence() async throws {
      let bundle = try ExecuTorchBundle("dispatch")
      do {
        _ = try await Dispatcher.open(bundle.root, engine: .executorch())
        Issue.record("it opened")
      } catch let error as MVMoEError {
        #expect(error.code == .engineUnsupportedPlatform)
        #expect(error.message.hasPrefix("ExecuTorch is no part of this build, for "))
      }
    }
  }
#endif
