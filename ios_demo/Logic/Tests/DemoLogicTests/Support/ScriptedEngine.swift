import Foundation
import MVMoE
import MVMoEONNX

@testable import DemoLogic

/// What an engine does to a test.
actor Script {
  private var isHeld = false
  private var refusal: MVMoEError?
  private var refusalOfLoads: MVMoEError?
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Whether the engine computes something else.
  let isWrong: Bool

  /// How many loads have been asked for.
  private(set) var loads = 0

  init(isWrong: Bool = false) { self.isWrong = isWrong }

  /// Lets loads wait.
  func hold() { isHeld = true }

  /// Lets loads go on.
  func release() {
    isHeld = false
    for load in waiting { load.resume() }
    waiting = []
  }

  /// Lets loads and runs fail, as an engine does that the system refuses the GPU; nil lets them be.
  func refuse(_ error: MVMoEError?) { refusal = error }

  /// Lets loads alone fail; nil lets them be.
  func refuseLoads(_ error: MVMoEError?) { refusalOfLoads = error }

  func load() async throws {
    loads += 1
    if isHeld { await withCheckedContinuation { waiting.append($0) } }
    if let refusalOfLoads { throw refusalOfLoads }
    try run()
  }

  func run() throws {
    if let refusal { throw refusal }
  }
}

extension EngineChoice {
  /// ONNX Runtime, which stands in for Core ML.
  static let onnx = EngineChoice(id: "onnx", name: "ONNX Runtime") { ONNXEngine(threads: 1) }

  /// ONNX Runtime as a script wants it.
  static func scripted(_ script: Script, id: String = "scripted", usesGPU: Bool = false) -> EngineChoice {
    EngineChoice(id: id, name: "the scripted engine", usesGPU: usesGPU) { ScriptedEngine(script: script) }
  }

  /// One that does not exist on this phone.
  static let missing = EngineChoice(id: "missing", name: "an engine that is missing") { MissingEngine() }
}

private struct MissingEngine: Engine {
  let format = "onnx"

  func open(root: URL, target: Target) async throws -> any Runner {
    throw MVMoEError(.engineUnsupportedPlatform, "the engine does not exist here")
  }
}

private struct ScriptedEngine: Engine {
  let script: Script
  let real = ONNXEngine(threads: 1)

  var format: String { real.format }

  func open(root: URL, target: Target) async throws -> any Runner {
    ScriptedRunner(script, try await real.open(root: root, target: target))
  }
}

private final class ScriptedRunner: Runner {
  let script: Script
  let real: any Runner

  init(_ script: Script, _ real: any Runner) { (self.script, self.real) = (script, real) }

  var engineName: String { "the scripted engine" }

  var provider: String { real.provider }

  func load(_ graph: Graph) async throws -> any LoadedGraph {
    try await script.load()
    return ScriptedGraph(script, try await real.load(graph))
  }
}

private final class ScriptedGraph: LoadedGraph {
  let script: Script
  let real: any LoadedGraph

  init(_ script: Script, _ real: any LoadedGraph) { (self.script, self.real) = (script, real) }

  func bind(inputs: [String: Tensor], outputs: [String: Tensor]) throws -> any BoundGraph {
    ScriptedRun(script, try real.bind(inputs: inputs, outputs: outputs), Array(outputs.values))
  }
}

private final class ScriptedRun: BoundGraph {
  let script: Script
  let real: any BoundGraph
  let outputs: [Tensor]

  init(_ script: Script, _ real: any BoundGraph, _ outputs: [Tensor]) {
    (self.script, self.real, self.outputs) = (script, real, outputs)
  }

  func run() async throws {
    try await script.run()
    try await real.run()
    guard script.isWrong else { return }
    // As a Neural Engine that is cold has done.
    for output in outputs { output.floats.update(repeating: 0) }
  }
}
