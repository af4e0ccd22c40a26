import Foundation
import MVMoE
import MVMoEBench
import MVMoEONNX

@testable import DemoLogic

extension BenchEngines {
  /// ONNX Runtime as it is, and one that answers wrongly.
  static let onnxAndWrong = BenchEngines([right, wrong])

  private static let right = EngineWay(
    EngineVariant(format: "onnx", engine: "ONNX Runtime 1, test", provider: "CPU")
  ) { ONNXEngine(threads: $0) }

  private static let wrong = EngineWay(
    EngineVariant(
      format: "onnx", engine: "ONNX Runtime 1, test", provider: "wrong", options: ["units": "wrong"], label: "wrong")
  ) { _ in EngineChoice.scripted(Script(isWrong: true)).engine() }
}

/// A machine that says what a test says.
struct FakeMachine: Machine {
  static let bytes = 123_000_000
  var status: Thermal.Status?

  let memoryKind = MemoryKind.footprint

  func threadCPU() -> Int? { nil }

  func held(bundle: URL) -> Held { Held(total: Self.bytes) }

  func peakResident() -> Int? { nil }

  func memory() -> Int? { Self.bytes }

  func thermal() -> Thermal? { status.map { Thermal($0) } }
}
