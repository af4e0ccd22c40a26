#if canImport(MVMoEONNX)
  import Foundation
  import MVMoEONNX
  import Testing

  @testable import MVMoE
  @testable import MVMoECoreML

  /// Bundles of every strategy, answered by the dispatcher over the stand-in for Core ML.
  @Suite struct DispatcherTests {
    private struct Room {
      let bundle: CoreMLBundle
      let system: FakeCoreML
      let engine: CoreMLEngine
      let cache: TemporaryFolder

      init(
        _ name: String = "dispatch", units: ComputeUnits = .cpuAndNeuralEngine, limit: Duration? = .seconds(60),
        _ change: (inout FakeBehaviour) -> Void = { _ in }
      ) throws {
        bundle = try CoreMLBundle(name)
        system = FakeCoreML(bundle, change)
        cache = try TemporaryFolder()
        engine = CoreMLEngine(
          CoreMLOptions(computeUnits: units, loadTimeLimit: limit, cache: cache.url), system: system,
          sleep: system.clock.sleep)
      }
    }

    private func images(_ dispatcher: Dispatcher, _ count: Int) -> Tensor {
      let shape = dispatcher.bundle.manifest.input.shape
      var random = SystemRandomNumberGenerator()
      let numbers = (0..<count * shape.reduce(1, *)).map { _ in Float.random(in: -2...2, using: &random) }
      return Tensor(numbers, shape: [count] + shape)
    }

    @Test(arguments: ["dispatch", "experts", "bind", "two_stages", "in_graph"])
    func itAnswersAsONNXRuntimeDoes(name: String) async throws {
      for answer in [FakeBehaviour.Answer.inPlace, .padded] {
        let room = try Room(name) { $0.answer = { _, _ in answer } }
        for residency in [Residency(), Residency(maxExperts: 1)] {
          let dispatcher = try await Dispatcher.open(room.bundle.root, engine: room.engine, residency: residency)
          #expect(dispatcher.engineName == "Core ML of iOS 18.1 (cpuAndNeuralEngine)")
          try await dispatcher.check().requireOk()
          let images = images(dispatcher, 24)
          let onnx = try await Dispatcher.open(room.bundle.onnx, engine: .onnx(threads: 1))
          let (found, wanted) = (try await dispatcher.run(images), try await onnx.run(images))
          #expect(found.map(\.routes) == wanted.map(\.routes))
          for (one, other) in zip(found, wanted) {
            #expect(one.outputs.map(\.values) == other.outputs.map(\.values))
          }
          await dispatcher.close()
          await onnx.close()
          #expect(try await room.system.isEmptied())
          #expect(room.engine.modelCount == 0)
        }
      }
    }

    @Test func theDispatcherSaysWhichUnitsWereGivenUp() async throws {
      let room = try Room(limit: .milliseconds(50)) {
        $0.load = { units, _ in units == .cpuAndNeuralEngine ? .hangs : .works }
      }
      defer { room.system.release() }
      let dispatcher = try await Dispatcher.open(room.bundle.root, engine: room.engine)
      #expect(dispatcher.provider == "cpuAndGPU")
      #expect(dispatcher.notes.count == 1)
      #expect(dispatcher.notes.first?.contains("graphs run with cpuAndGPU instead") == true)
      await dispatcher.close()
      #expect(dispatcher.provider == "cpuAndGPU")
      #expect(dispatcher.notes.count == 1)
    }

    @Test func aCallWhoseExpertsAreInMemoryIsAnsweredWhereItsTaskIsCancelled() async throws {
      let room = try Room()
      let dispatcher = try await Dispatcher.open(room.bundle.root, engine: room.engine)
      let images = images(dispatcher, 8)
      let wanted = try await dispatcher.run(images)
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await dispatcher.run(images)
      }
      #expect(try await task.value.map(\.routes) == wanted.map(\.routes))
      await dispatcher.close()
    }

    @Test func aPackageThatIsReplacedIsTheDispatchersError() async throws {
      let room = try Room()
      let dispatcher = try await Dispatcher.open(
        room.bundle.root, engine: room.engine, residency: Residency(maxExperts: 1))
      try room.bundle.alter("coreml/model.mlpackage/Manifest.json")
      let error = await thrown(MVMoEError.self) { try await dispatcher.check() }
      #expect(error?.code == .bundleReplaced)
      await dispatcher.close()
    }

    // MARK: - With a look at the golden vectors

    @Test func unitsThatAnswerRightlyAreOpened() async throws {
      let room = try Room()
      let opened = try await room.engine.opened(room.bundle.root, residency: Residency(maxExperts: 1))
      #expect(opened.computeUnits == .cpuAndNeuralEngine)
      #expect(opened.check.ok && opened.rejected.isEmpty)
      #expect(await opened.dispatcher.residency.maxExperts == 1)
      let later = try await opened.rechecked()
      #expect(later.dispatcher === opened.dispatcher)
      await opened.dispatcher.close()
    }

    @Test(arguments: [FakeBehaviour.Answer.zeros, .notFinite])
    func unitsThatAnswerWronglyArePassedOver(answer: FakeBehaviour.Answer) async throws {
      let room = try Room { $0.answer = { units, _ in units == .cpuAndNeuralEngine ? answer : .inPlace } }
      let opened = try await room.engine.opened(room.bundle.root)
      #expect(opened.computeUnits == .cpuAndGPU)
      #expect(opened.dispatcher.provider == "cpuAndGPU")
      #expect(opened.rejected.map(\.computeUnits) == [.cpuAndNeuralEngine])
      let figures = try #require(opened.rejected.first?.check)
      #expect(!figures.ok)
      #expect(opened.rejected.first?.reason == figures.description)
      #expect(room.engine.notes == ["with the compute units cpuAndNeuralEngine \(figures)"])
      await opened.dispatcher.close()
      #expect(try await room.system.isEmptied(), "those that were passed over are closed")
    }

    @Test func whereNoUnitsAnswerRightlyTheFiguresAreThrown() async throws {
      let room = try Room { $0.answer = { _, _ in .zeros } }
      let error = await thrown(CheckFailedError.self) { try await room.engine.opened(room.bundle.root) }
      #expect(error?.check.ok == false)
      #expect(try await room.system.isEmptied())
      #expect(Set(room.system.loads.map(\.units)) == [.cpuAndNeuralEngine, .cpuAndGPU, .cpuOnly])
    }

    @Test func unitsThatAreColdAreAskedTwice() async throws {
      let runs = Guarded(0)
      let room = try Room {
        $0.answer = { _, _ in
          runs.withLock { runs in
            runs += 1
            return runs <= 8 ? .zeros : .inPlace
          }
        }
      }
      let opened = try await room.engine.opened(room.bundle.root)
      #expect(opened.computeUnits == .cpuAndNeuralEngine)
      #expect(opened.rejected.isEmpty)
      #expect(room.engine.notes.count == 1)
      #expect(
        room.engine.notes.first?.hasPrefix(
          "the compute units cpuAndNeuralEngine answer rightly, but did not at first: the engine does not answer")
          == true)
      await opened.dispatcher.close()
    }

    @Test func unitsThatFailToRunArePassedOver() async throws {
      let room = try Room {
        $0.answer = { units, _ in units == .cpuOnly ? .inPlace : .fails("E5RT: it has timed out") }
      }
      let opened = try await room.engine.opened(room.bundle.root)
      #expect(opened.computeUnits == .cpuOnly)
      #expect(opened.rejected.map(\.computeUnits) == [.cpuAndNeuralEngine, .cpuAndGPU])
      #expect(opened.rejected.allSatisfy { $0.check == nil && $0.reason.contains("E5RT: it has timed out") })
      await opened.dispatcher.close()
    }

    @Test func whatIsNotAboutUnitsIsThrownAtOnce() async throws {
      let room = try Room {
        $0.describe = { ModelFeature(name: $0.name, kind: .array(shape: [9], type: "float32")) }
      }
      let error = await thrown(MVMoEError.self) { try await room.engine.opened(room.bundle.root) }
      #expect(error?.code == .engineWrongSignature)
      #expect(room.system.loads.count == 1)
      try room.bundle.alter("coreml/model.mlpackage/Manifest.json")
      let damaged = await thrown(MVMoEError.self) { try await room.engine.opened(room.bundle.root) }
      #expect(damaged?.code == .bundleHashMismatch)
      #expect(try await room.system.isEmptied())
    }

    @Test(arguments: [
      ("open file weights.bin fail: Too many open files", ErrorCode.limitFiles),
      ("pthread_create failed", .limitThreads),
    ]) func unitsAreNotRejectedWhereTheProcessHasNothingLeft(message: String, code: ErrorCode) async throws {
      let room = try Room { $0.load = { _, _ in .fails(message) } }
      let error = await thrown(MVMoEError.self) { try await room.engine.opened(room.bundle.root) }
      #expect(error?.code == code)
      #expect(room.engine.notes == [])
      room.system.behave { behaviour in
        behaviour.load = { _, _ in .works }
        behaviour.answer = { _, _ in .fails(message) }
      }
      let before = room.system.loads.count
      let later = await thrown(MVMoEError.self) { try await room.engine.opened(room.bundle.root) }
      #expect(later?.code == code)
      #expect(Set(room.system.loads.dropFirst(before).map(\.units)) == [.cpuAndNeuralEngine])
      #expect(try await room.system.isEmptied())
    }

    @Test func unitsThatBeginToAnswerWronglyAreLeft() async throws {
      let room = try Room()
      let first = try await room.engine.opened(room.bundle.root)
      room.system.behave { $0.answer = { units, _ in units == .cpuAndNeuralEngine ? .zeros : .inPlace } }
      let second = try await first.rechecked()
      #expect(second.dispatcher !== first.dispatcher)
      #expect(second.computeUnits == .cpuAndGPU)
      #expect(second.rejected.map(\.computeUnits) == [.cpuAndNeuralEngine])
      let closed = await thrown(MVMoEError.self) { try await first.dispatcher.check() }
      #expect(closed?.code == .dispatcherClosed)
      room.system.behave { $0.answer = { units, _ in units == .cpuOnly ? .inPlace : .fails("no") } }
      let third = try await second.rechecked()
      #expect(third.computeUnits == .cpuOnly)
      #expect(third.rejected.map(\.computeUnits) == [.cpuAndNeuralEngine, .cpuAndGPU])
      room.system.behave { $0.answer = { _, _ in .zeros } }
      await #expect(throws: CheckFailedError.self) { try await third.rechecked() }
      #expect(try await room.system.isEmptied())
    }

    @Test func graphsAreSpecializedOneAfterTheOther() async throws {
      let room = try Room { $0.load = { _, graph in graph == "step1_e1" ? .fails("no") : .works } }
      try await room.engine.specialize(room.bundle.root)
      #expect(room.system.loads.filter { $0.units == .cpuAndNeuralEngine }.map(\.function).count == 4)
      #expect(try await room.system.isEmptied())
      #expect(
        room.engine.states == [
          "stem": .unloaded, "step1_e0": .unloaded, "step1_e1": .failed, "step1_e2": .unloaded,
        ])
      try room.bundle.alter("coreml/model.mlpackage/Manifest.json")
      await #expect(throws: MVMoEError.self) { try await room.engine.specialize(room.bundle.root) }
    }

    @Test func specializingEndsWhereItsTaskIsCancelled() async throws {
      let room = try Room(limit: nil) { $0.load = { _, _ in .hangs } }
      let changes = room.engine.changes
      let task = Task { try await room.engine.specialize(room.bundle.root) }
      for await change in changes where change.state == .loading(.cpuAndNeuralEngine) { break }
      task.cancel()
      // The load that has begun is finished.
      while room.system.loads.isEmpty { await Task.yield() }
      room.system.behave { $0.load = { _, _ in .works } }
      while room.system.models == 0, room.engine.states["stem"] != .unloaded {
        room.system.release()
        await Task.yield()
      }
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(room.system.loads.map(\.function) == ["stem"])
    }
  }
#endif
