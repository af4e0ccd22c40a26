#if canImport(MVMoEONNX)
  import Foundation
  import Testing

  @testable import MVMoE
  @testable import MVMoECoreML

  /// Which systems and options an engine opens a target with.
  @Suite struct OpeningTests {
    private func runner(
      _ system: FakeCoreML, _ bundle: CoreMLBundle, _ options: CoreMLOptions = CoreMLOptions()
    ) throws -> CoreMLRunner {
      var options = options
      options.cache = bundle.root.appendingPathComponent("cache")
      return try CoreMLEngine(options, system: system).runner(root: bundle.root, target: try bundle.open().target)
    }

    private func system(_ bundle: CoreMLBundle, _ name: String, _ major: Int, _ minor: Int = 0) -> FakeCoreML {
      FakeCoreML(bundle, version: SystemVersion(name: name, major: major, minor: minor, patch: 0))
    }

    @Test(arguments: [
      ("iOS", 17, false), ("iOS", 18, true), ("iOS", 26, true), ("macOS", 14, false), ("macOS", 15, true),
      ("macOS", 26, true), ("visionOS", 1, false), ("visionOS", 2, true), ("tvOS", 17, false), ("tvOS", 18, true),
    ]) func functionsNeedASystemThatHasThem(name: String, major: Int, isEnough: Bool) async throws {
      let bundle = try CoreMLBundle("dispatch")
      let system = system(bundle, name, major)
      guard !isEnough else {
        _ = try runner(system, bundle)
        return
      }
      let error = await thrown(MVMoEError.self) { try runner(system, bundle) }
      #expect(error?.code == .engineUnsupportedPlatform)
      #expect(
        error?.message
          == "target coreml is for iOS 18 and later, and this is \(name) \(major).0; use a newer system, or export with "
          + "--coreml-deployment-target iOS17")
      #expect(error?.fields["target"] == "coreml")
      _ = try runner(system, try CoreMLBundle("dispatch", isMultifunction: false))
    }

    @Test func aTargetForANewerSystemIsRefused() async throws {
      let bundle = try CoreMLBundle("dispatch", deploymentTarget: "iOS26")
      let error = await thrown(MVMoEError.self) { try runner(system(bundle, "iOS", 18, 5), bundle) }
      #expect(error?.message.hasPrefix("target coreml is for iOS 26 and later, and this is iOS 18.5;") == true)
      _ = try runner(system(bundle, "macOS", 26), bundle)
      // What the manifest says in words that are none of ours is not relied on.
      let odd = try CoreMLBundle("dispatch", deploymentTarget: "newest")
      _ = try runner(system(odd, "iOS", 18), odd)
      #expect(throws: MVMoEError.self) { try runner(system(odd, "iOS", 17), odd) }
    }

    @Test func aSimulatorRunsOnTheCPU() throws {
      let bundle = try CoreMLBundle("dispatch")
      let runner = try runner(FakeCoreML(bundle, isSimulator: true, hasNeuralEngine: false), bundle)
      #expect(runner.provider == "cpuOnly")
      #expect(
        runner.notes == [
          "a simulator has no Neural Engine, and its GPU is the Mac's: graphs run with cpuOnly instead of "
            + "cpuAndNeuralEngine"
        ])
    }

    @Test func aDeviceWithoutNeuralEngineSaysSo() throws {
      let bundle = try CoreMLBundle("dispatch")
      let system = FakeCoreML(bundle, hasNeuralEngine: false)
      let runner = try runner(system, bundle)
      #expect(runner.provider == "cpuAndGPU")
      #expect(runner.notes == ["this device has no Neural Engine: graphs run with cpuAndGPU instead"])
      for units in [ComputeUnits.all, .cpuAndGPU, .cpuOnly] {
        #expect(try self.runner(system, bundle, CoreMLOptions(computeUnits: units)).notes == [])
      }
    }

    @Test func optionsThatMakeNoSenseAreRefused() async throws {
      let bundle = try CoreMLBundle("dispatch")
      let system = FakeCoreML(bundle)
      let wrong = [
        (CoreMLOptions(loadTimeLimit: .zero), "loadTimeLimit 0 s was given; expected more than 0 s, or nil"),
        (CoreMLOptions(loadTimeLimit: .seconds(-1)), "loadTimeLimit -1 s was given; expected more than 0 s, or nil"),
        (CoreMLOptions(cachedTargets: 0), "cachedTargets 0 was given; expected at least 1"),
      ]
      for (options, message) in wrong {
        let error = await thrown(MVMoEError.self) { try runner(system, bundle, options) }
        #expect(error?.code == .inputInvalid)
        #expect(error?.message == message)
      }
    }

    @Test func optionsReachCoreML() async throws {
      let bundle = try CoreMLBundle("dispatch")
      let system = FakeCoreML(bundle)
      let options = CoreMLOptions(computeUnits: .all, loadTimeLimit: nil, prefersFastPrediction: true)
      let runner = try runner(system, bundle, options)
      _ = try await runner.load(try #require(try bundle.open().target.graphs.first))
      #expect(
        system.configurations == [
          ModelConfiguration(function: "stem", units: .all, prefersFastPrediction: true, displayName: "stem")
        ])
    }

    @Test(arguments: [DType.int64, .int8])
    func integersOfOtherSizesAreRefused(_ type: DType) async throws {
      let bundle = try CoreMLBundle("dispatch")
      let runner = try runner(FakeCoreML(bundle), bundle)
      let graph = Graph(
        name: "step1", stage: 1, route: nil, file: "coreml/model.mlpackage", entry: "step1", weightBytes: 0,
        exclusiveBytes: 0, inputs: [TensorSpec(name: "experts", shape: [1, 2], dtype: type, pixels: nil)],
        outputs: [],
        bound: [:], placement: [])
      let error = await thrown(MVMoEError.self) { try await runner.load(graph) }
      #expect(error?.code == .engineLoadFailed)
      #expect(error?.message.contains("its tensor experts is \(type.rawValue), which this engine cannot") == true)
    }

    #if !canImport(CoreML)
      @Test func withoutCoreMLThatIsOneSentence() async throws {
        let bundle = try CoreMLBundle("dispatch")
        let error = await thrown(MVMoEError.self) {
          try await Dispatcher.open(bundle.root, engine: .coreML())
        }
        #expect(error?.code == .engineUnsupportedPlatform)
        #expect(error?.message.hasPrefix("Core ML runs on Apple's systems only, and this is ") == true)
      }
    #endif
  }
#endif
