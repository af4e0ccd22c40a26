#if canImport(MVMoEONNX)
  import Foundation
  import Testing

  @testable import MVMoE
  @testable import MVMoECoreML

  /// Core ML's plan, counted.
  @Suite struct PlacementTests {
    private static let neuralEngine = PlannedOperation.neuralEngine

    private func operation(
      _ name: String, _ unit: String?, _ cost: Double? = nil, inner: [PlannedOperation] = []
    ) -> PlannedOperation {
      PlannedOperation(name: name, unit: unit, cost: cost, inner: inner)
    }

    private func placement(
      _ plan: [String: [PlannedOperation]]?, graph: String = "stem", isMultifunction: Bool = true,
      units: ComputeUnits = .cpuAndNeuralEngine
    ) async throws -> GraphPlacement {
      let bundle = try CoreMLBundle("dispatch", isMultifunction: isMultifunction)
      let system = FakeCoreML(bundle) { $0.plan = plan }
      let cache = try TemporaryFolder()
      let engine = CoreMLEngine(CoreMLOptions(computeUnits: units, cache: cache.url), system: system)
      let target = try bundle.open().target
      let runner = try await engine.open(root: bundle.root, target: target)
      let reports = try #require(runner as? any ReportsPlacement)
      let found = try await reports.placement(try #require(target.graphs.first { $0.name == graph }))
      #expect(system.loads == [], "nothing is loaded")
      return found
    }

    private var operations: [PlannedOperation] {
      [
        operation("const", nil), operation("ios18.linear", Self.neuralEngine, 0.5),
        operation("ios18.gelu", Self.neuralEngine, 0.125), operation("ios18.gather", "cpu", 0.125),
        operation("cond", "cpu", inner: [operation("ios18.linear", "gpu", 0.25), operation("ios17.topk", "cpu")]),
      ]
    }

    @Test func operatorsAreCountedByUnitWithTheirShares() async throws {
      let found = try await placement(["stem": operations, "step1_e0": []])
      #expect(found.byUnit == ["neural_engine": 2, "cpu": 3, "gpu": 1])
      #expect(found.outside == ["gather": 1, "cond": 1, "linear": 1, "topk": 1])
      #expect(found.shares == ["neural_engine": 0.625, "cpu": 0.125, "gpu": 0.25])
    }

    @Test func whatIsOutsideDependsOnTheUnits() async throws {
      let plan = ["stem": operations]
      #expect(try await placement(plan, units: .all).outside.values.reduce(0, +) == 4)
      #expect(try await placement(plan, units: .cpuOnly).outside == ["linear": 2, "gelu": 1])
      #expect(try await placement(plan, units: .cpuAndGPU).outside.values.reduce(0, +) == 5)
    }

    @Test func withoutEstimatesThereAreNoShares() async throws {
      let found = try await placement(["stem": [operation("linear", "cpu")]])
      #expect(found == GraphPlacement(byUnit: ["cpu": 1], outside: ["linear": 1]))
    }

    @Test(arguments: ["main", "whatever"]) func aPackageOfOneGraphHasOneFunction(name: String) async throws {
      let plan = [name: [operation("linear", Self.neuralEngine)]]
      #expect(try await placement(plan, isMultifunction: false).byUnit == ["neural_engine": 1])
    }

    @Test func aFunctionThatThePlanLacksIsNamed() async throws {
      let error = await thrown(MVMoEError.self) {
        try await placement(["one": [], "other": []])
      }
      #expect(error?.message == "Core ML's plan has no function stem for graph stem; it has one, other")
      #expect(error?.fields["graph"] == "stem")
    }

    @Test func aSystemWithoutPlansSaysSo() async throws {
      let error = await thrown(MVMoEError.self) { try await placement(nil) }
      #expect(error?.code == .engineUnsupportedPlatform)
      #expect(
        error?.message
          == "Core ML's compute plan needs iOS 17.4 or macOS 14.4, and this is iOS 18.1; use a newer system")
    }
  }
#endif
