import Foundation
import MVMoE
import MVMoEBench
import MVMoEONNX
import Testing

@testable import DemoLogic

@Suite struct BenchOptionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func way(_ format: String, _ label: String, _ missing: Missing? = nil) -> EngineWay {
    EngineWay(
      EngineVariant(format: format, engine: "an engine, iOS", options: ["units": label], label: label), name: label,
      missing: missing
    ) { .onnx(threads: $0) }
  }

  @Test func everyTargetIsOfferedInEveryWayOfItsFormat() throws {
    let bundle = try ModelBundle.open(RepositoryFiles.bundle("dispatch"))
    let options = BenchOption.all(of: bundle, ways: [way("onnx", ""), way("coreml", "GPU"), way("onnx", "fast")])
    #expect(options.map(\.id) == ["dispatcher onnx", "dispatcher onnx (fast)"])
    #expect(options.allSatisfy { $0.missing == nil && $0.strategy == "dispatch" })
  }

  @Test func aFormatWithoutAnEngineIsListedAndSaysSo() throws {
    let bundle = try ModelBundle.open(RepositoryFiles.bundle("dispatch"))
    let options = BenchOption.all(of: bundle, ways: [way("coreml", "")])
    #expect(options.map(\.missing) == [.noEngine])
  }

  @Test func aTargetOfALaterReleaseOrOfSeveralImagesIsNotMeasured() throws {
    let bundle = try folder.copy(of: RepositoryFiles.bundle("dispatch"))
    try rewriteManifest(of: bundle) {
      $0.replacingOccurrences(of: #""options": {"#, with: #""options": {"deployment_target": "iOS18", "#)
    }
    let target = try #require(try ModelBundle.open(bundle).manifest.targets.first)
    #expect(way("onnx", "").missing(for: target, release: 17) == .systemTooOld(needs: 18))
    #expect(way("onnx", "").missing(for: target, release: 18) == nil)
    #expect(way("onnx", "", .notBuilt).missing(for: target, release: 17) == .notBuilt)
  }

  @Test func enginesAreThoseOfTheirOptions() throws {
    let engines = BenchEngines([way("onnx", ""), way("onnx", "fast"), way("onnx", "gone", .notBuilt)])
    #expect(engines.variants.map(\.label) == ["", "fast"])
    #expect(try engines.engine(format: "onnx", threads: 1, options: [:]).format == "onnx")
    #expect(try engines.engine(format: "onnx", threads: 1, options: ["units": "fast"]).format == "onnx")
    #expect(refusal(engines, "coreml", [:])?.code == .engineUnsupportedPlatform)
    let unknown = refusal(engines, "onnx", ["units": "gone"])
    #expect(unknown?.code == .engineOption)
    #expect(unknown?.message.contains("units=gone were given; this app has units=, or units=fast") == true)
  }

  private func refusal(_ engines: BenchEngines, _ format: String, _ options: [String: String]) -> MVMoEError? {
    do {
      _ = try engines.engine(format: format, threads: 1, options: options)
      return nil
    } catch {
      return error as? MVMoEError
    }
  }

  @Test func coreMLsUnitsAreNamedAsOnAMac() {
    let ways = CoreMLUnits.allCases.map { EngineWay.coreML($0) { .onnx(threads: $0) } }
    #expect(ways.map(\.variant.provider) == ["all", "cpuAndNeuralEngine", "cpuAndGPU", "cpuOnly"])
    #expect(ways.map(\.variant.options["compute_units"]) == ways.map(\.variant.provider))
    #expect(ways.map(\.variant.label) == ["", "Neural Engine", "GPU", "CPU"])
    #expect(ways.map(\.name) == ["All units", "CPU and Neural Engine", "CPU and GPU", "CPU"])
  }

  @Test func unitsThatTheDeviceLacksAreMissing() {
    func missing(_ device: CoreMLDevice) -> [Missing?] {
      CoreMLUnits.allCases.map { EngineWay.coreML($0, on: device) { .onnx(threads: $0) }.missing }
    }
    #expect(missing(CoreMLDevice()) == [nil, nil, nil, nil])
    let neuralEngine = Missing.notOnDevice("Neural Engine")
    #expect(missing(CoreMLDevice(hasNeuralEngine: false)) == [nil, neuralEngine, nil, nil])
    #expect(missing(CoreMLDevice(isSimulator: true)) == [neuralEngine, neuralEngine, .notOnDevice("GPU"), nil])
  }
}
