#if canImport(MVMoEONNX)
  import Foundation
  import Testing

  @testable import MVMoE
  @testable import MVMoECoreML

  /// What was compiled is found again, is whole, and goes when it is old.
  @Suite struct CompiledModelsTests {
    private let bundle: CoreMLBundle
    private let cache: TemporaryFolder
    private let system: FakeCoreML
    private let target: Target

    init() throws {
      bundle = try CoreMLBundle("dispatch")
      cache = try TemporaryFolder()
      system = FakeCoreML(bundle)
      target = try bundle.open().target
    }

    private func engine(
      _ system: FakeCoreML? = nil, keeping count: Int = 3, limit: Duration? = .seconds(60)
    ) -> CoreMLEngine {
      CoreMLEngine(
        CoreMLOptions(loadTimeLimit: limit, cache: cache.url, cachedTargets: count), system: system ?? self.system,
        sleep: (system ?? self.system).clock.sleep)
    }

    private func load(_ engine: CoreMLEngine, _ name: String = "stem") async throws {
      let runner = try engine.runner(root: bundle.root, target: target)
      _ = try await runner.load(try #require(target.graphs.first { $0.name == name }))
    }

    private func models() -> CompiledModels {
      CompiledModels(system: system, cache: CacheFolder(folder: cache.url), timeLimit: TimeLimit(duration: nil))
    }

    /// The files of the cache, relative to it, but for the list.
    private func contents() -> [String] {
      (FileManager.default.subpaths(atPath: cache.url.path) ?? []).filter { $0.hasSuffix(".mlmodelc") }.sorted()
    }

    private var compiledFolder: URL { cache.url.appendingPathComponent(contents()[0]) }

    @Test func aPackageIsCompiledOnceForAllGraphsAndAllStarts() async throws {
      let first = engine()
      try await load(first)
      try await load(first, "step1_e0")
      try await load(engine(), "step1_e1")
      #expect(system.compiled == ["model.mlpackage"])
      #expect(contents().count == 1)
    }

    @Test func eachPackageHasAPlaceOfItsOwn() async throws {
      let single = try CoreMLBundle("dispatch", isMultifunction: false)
      let target = try single.open().target
      let system = FakeCoreML(single)
      for _ in 0..<2 {
        let runner = try CoreMLEngine(CoreMLOptions(cache: cache.url), system: system, sleep: system.clock.sleep)
          .runner(root: single.root, target: target)
        for graph in target.graphs { _ = try await runner.load(graph) }
      }
      #expect(system.compiled.count == target.graphs.count)
      #expect(contents().count == target.graphs.count)
    }

    @Test func anotherSystemCompilesForItself() async throws {
      try await load(engine())
      let newer = FakeCoreML(bundle, version: SystemVersion(name: "iOS", major: 18, minor: 2, patch: 0))
      try await load(engine(newer))
      #expect(newer.compiled == ["model.mlpackage"])
    }

    @Test func whatIsDamagedIsCompiledAgain() async throws {
      try await load(engine())
      try Data("stem\n".utf8).write(to: compiledFolder.appendingPathComponent("Data/model.mlmodel"))
      let later = engine()
      try await load(later, "step1_e0")
      #expect(system.compiled.count == 2)
      #expect(later.notes == [])
      try FileManager.default.removeItem(at: compiledFolder.appendingPathComponent("Data"))
      try await load(engine())
      #expect(system.compiled.count == 3)
    }

    @Test func whatIsDamagedAndCannotBeRemovedIsLoadedOnceMore() async throws {
      try await load(engine())
      let attempts = Guarded(0)
      system.behave {
        // It works in the end, so that this ends too where it is tried for ever.
        $0.load = { _, _ in
          let isTriedForEver = attempts.withLock { attempts in
            attempts += 1
            return attempts > 50
          }
          return isTriedForEver ? .works : .fails("the weights are damaged")
        }
      }
      let folder = CacheFolder(folder: cache.url, removing: { _ in throw CocoaError(.fileWriteNoPermission) })
      let limit = TimeLimit(duration: nil)
      let runner = try CoreMLRunner(
        root: bundle.root, target: target, system: system, options: CoreMLOptions(), timeLimit: limit,
        choices: CoreMLOptions().choices,
        compiled: CompiledModels(system: system, cache: folder, timeLimit: limit), board: StateBoard(), notes: [])
      let before = system.loads.count
      let error = await thrown(MVMoEError.self) { try await runner.load(target.graphs[0]) }
      #expect(error?.code == .engineLoadFailed)
      #expect(
        system.loads.dropFirst(before).map(\.units)
          == [.cpuAndNeuralEngine, .cpuAndNeuralEngine, .cpuAndGPU, .cpuOnly])
      #expect(system.compiled.count == 1)
    }

    @Test func whatThisProcessHasCompiledIsNotDiscarded() async throws {
      let package = ModelPackage("coreml/model.mlpackage", target: target, root: bundle.root)
      let models = models()
      let place = try await models.model(of: package, target: "target")
      try await models.discard(package, target: "target")
      let later = try await models.model(of: package, target: "target")
      #expect(later.url.path == place.url.path)
      #expect(system.compiled.count == 1)
      try await self.models().discard(package, target: "target")
      #expect(contents() == [])
    }

    @Test func whatWasJustCompiledIsNotDiscardedForThePackageBefore() async throws {
      let package = ModelPackage("coreml/model.mlpackage", target: target, root: bundle.root)
      for round in 0..<20 {
        let models = models()
        let target = "target \(round)"
        let isOver = Guarded(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
          // Graphs that the package before did not load, one of which comes between any two steps.
          for _ in 0..<4 {
            group.addTask {
              while !isOver.withLock({ $0 }) { try await models.discard(package, target: target) }
            }
          }
          defer { isOver.withLock { $0 = true } }
          let model = try await models.model(of: package, target: target)
          #expect(model.isFresh)
          for _ in 0..<4 { try await models.discard(package, target: target) }
          #expect(FileManager.default.fileExists(atPath: model.url.path))
        }
      }
    }

    @Test func whatThisProcessHasCompiledIsNotCompiledAgainForAnError() async throws {
      system.behave { $0.load = { _, _ in .fails("no") } }
      let engine = engine()
      for _ in 0..<2 { await #expect(throws: MVMoEError.self) { try await load(engine) } }
      #expect(system.compiled == ["model.mlpackage"])
    }

    @Test func whatHangsIsNotCompiledAgain() async throws {
      try await load(engine())
      system.behave { $0.load = { units, _ in units == .cpuAndNeuralEngine ? .hangs : .works } }
      defer { system.release() }
      try await load(engine(limit: .milliseconds(20)))
      #expect(system.compiled.count == 1)
    }

    @Test func aCompilationThatFailsLeavesNothing() async throws {
      system.behave { $0.compile = .fails("the model is of a newer version") }
      let engine = engine()
      let error = await thrown(MVMoEError.self) { try await load(engine) }
      #expect(error?.code == .engineLoadFailed)
      #expect(
        error?.message
          == "graph stem (coreml/model.mlpackage) does not load in Core ML: the model is of a newer version")
      #expect(contents() == [])
      #expect(engine.states == ["stem": .failed])
      system.behave { $0.compile = .works }
      try await load(engine)
    }

    @Test func aCompilationThatHangsIsAbandoned() async throws {
      system.behave { $0.compile = .hangs }
      defer { system.release() }
      let engine = engine(limit: .milliseconds(20))
      let error = await thrown(MVMoEError.self) { try await load(engine) }
      #expect(error?.code == .engineTimeout)
      #expect(error?.message.contains("did not compile in Core ML within 0.02 s") == true)
    }

    @Test func whatIsCompiledTooLateIsRemoved() async throws {
      system.behave { $0.compile = .hangs }
      let engine = engine(limit: .milliseconds(20))
      await #expect(throws: MVMoEError.self) { try await load(engine) }
      #expect(system.made == [])
      system.release()
      func isGone() -> Bool { system.made.count == 1 && !FileManager.default.fileExists(atPath: system.made[0].path) }
      for _ in 0..<5000 where !isGone() { try await Task.sleep(for: .milliseconds(1)) }
      #expect(isGone())
      #expect(contents() == [])
    }

    @Test func aPackageThatChangedMeanwhileIsNotKeptUnderItsOldName() async throws {
      system.behave { $0.compile = .takes(.milliseconds(50)) }
      let loading = Task { try await load(engine()) }
      try await Task.sleep(for: .milliseconds(10))
      try bundle.alter("coreml/model.mlpackage/Manifest.json")
      let error = await thrown(MVMoEError.self) { try await loading.value }
      #expect(error?.code == .bundleHashMismatch)
      #expect(contents() == [])
    }

    @Test func anotherProcessMayHaveBeenFaster() async throws {
      let folder = CacheFolder(folder: cache.url)
      let place = folder.place(of: "package", target: "target")
      for text in ["first", "second"] {
        let made = cache.url.appendingPathComponent(text)
        try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
        #expect(try folder.take(made, to: place) == place)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: cache.url.path) == ["target"])
    }

    @Test func targetsThatWereNotOpenedForLongAreRemoved() throws {
      let folder = CacheFolder(folder: cache.url)
      let keys = (0..<5).map { String(repeating: "\($0)", count: 64) }
      func there() throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: cache.url.path)) }
      for key in keys {
        folder.open(key, keeping: 2)
        try FileManager.default.createDirectory(
          at: folder.place(of: "package", target: key), withIntermediateDirectories: true)
      }
      folder.open(keys[3], keeping: 2)
      #expect(try there() == ["opened", keys[3], keys[4]])
      folder.open(keys[0], keeping: 2)
      #expect(try there() == ["opened", keys[3]])
    }

    @Test func onlyItsOwnFilesAreRemoved() throws {
      let folder = CacheFolder(folder: cache.url)
      let foreign = [
        "photo.jpg", "new", "new-models", String(repeating: "g", count: 64), String(repeating: "a", count: 63),
        "models",
      ]
      let own = ["new-0-left", "new-\(Int32.max)-left", String(repeating: "a", count: 64)]
      // The first process lives as long as the system does.
      let staged = ["new-\(ProcessInfo.processInfo.processIdentifier)-now", "new-1-now"]
      for name in foreign + own + staged {
        try FileManager.default.createDirectory(
          at: cache.url.appendingPathComponent(name), withIntermediateDirectories: true)
      }
      folder.open(String(repeating: "b", count: 64), keeping: 1)
      let left = Set(try FileManager.default.contentsOfDirectory(atPath: cache.url.path))
      #expect(left == Set(foreign + staged + ["opened"]))
    }

    @Test func aFolderThatCannotBeWrittenStopsNoOneUntilSomethingIsCompiled() async throws {
      let file = cache.url.appendingPathComponent("a file")
      try Data().write(to: file)
      let engine = CoreMLEngine(CoreMLOptions(cache: file.appendingPathComponent("inside")), system: system)
      let runner = try engine.runner(root: bundle.root, target: target)
      let error = await thrown(MVMoEError.self) { try await runner.load(target.graphs[0]) }
      #expect(error?.code == .engineLoadFailed)
    }
  }
#endif
