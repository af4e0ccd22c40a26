import Foundation

@testable import MVMoE

/// The bundle of a script, whose files its engine has written.
struct ScriptedBundle {
  private let script: Script
  private let engine: ScriptedEngine
  private let counts: [Int]

  /// Writes the manifest.
  static func write(_ script: Script, _ engine: ScriptedEngine) throws {
    let bundle = ScriptedBundle(script: script, engine: engine, counts: script.stages.map(\.count))
    let text = try bundle.manifest().description
    try Data(text.utf8).write(to: engine.folder.appendingPathComponent("manifest.json"))
  }

  private func manifest() throws -> TestJSON {
    [
      "format": "mvmoe-bundle",
      "version": 2,
      "model": ["family": "fake", "name": "fake", "params_total": 1, "params_active": 1, "macs": 1],
      "source": ["checkpoint_sha256": nil, "packages": [:]],
      "input": [
        "height": 1, "width": .integer(counts.reduce(0, +)), "channel_order": "L", "resize": "squash",
        "interpolation": "nearest", "mean": [0.0], "std": [1.0],
      ],
      "stages": .array([stem] + counts.indices.map(step)),
      "outputs": [["name": "answer", "kind": "tensor", "tensors": .texts(["step\(counts.count).numbers"])]],
      "targets": ["fake": try target()],
      "usage_prior": usagePrior,
      "golden": [
        "images": 1, "file": ["path": "golden", "bytes": 1, "sha256": .text(String(repeating: "0", count: 64))],
      ],
    ]
  }

  private var stem: TestJSON {
    let logits = counts.indices.map { ("logits\($0)", TestJSON.text("stem.logits\($0)")) }
    return [
      "name": .text(ScriptedEngine.stem), "rule": nil, "router": nil, "takes": ["image": "image"],
      "gives": .object(Dictionary(uniqueKeysWithValues: logits + [("numbers", "stem.numbers")])),
    ]
  }

  private func step(_ stage: Int) -> TestJSON {
    let before = stage == 0 ? ScriptedEngine.stem : "step\(stage)"
    return [
      "name": .text("step\(stage + 1)"),
      "rule": ["type": "top_k", "experts": .integer(counts[stage]), "k": 1],
      "router": .text("stem.logits\(stage)"),
      "takes": ["numbers": .text("\(before).numbers")],
      "gives": .object([outputName(stage): .text("step\(stage + 1).numbers")]),
    ]
  }

  private func outputName(_ stage: Int) -> String { stage == counts.count - 1 ? "answer" : "next_numbers" }

  private func target() throws -> TestJSON {
    let numbers = TestJSON.tensor("numbers", [1, counts.count])
    let logits = counts.enumerated().map { TestJSON.tensor("logits\($0)", [1, $1]) }
    let stem = graph(
      ScriptedEngine.stem, 1000, 0, nil, [.tensor("image", [1, 1, 1, counts.reduce(0, +)])], logits + [numbers])
    let routed = script.stages.enumerated().flatMap { stage, graphs in
      graphs.enumerated().map { expert, described in
        graph(
          described.name, described.bytes, stage + 1, [expert], [numbers, .tensor("gates", [1, 1])],
          [.tensor(outputName(stage), [1, counts.count])])
      }
    }
    let names = [ScriptedEngine.stem] + script.stages.joined().map(\.name)
    return [
      "format": "fake", "strategy": "dispatch", "precision": "fp32", "batch": 1, "graphs": .array([stem] + routed),
      "weights": nil, "files": .array(try names.map { try .fileRecord(engine.file($0)) }), "parity": nil,
    ]
  }

  private func graph(
    _ name: String, _ bytes: Int, _ stage: Int, _ route: [Int]?, _ inputs: [TestJSON], _ outputs: [TestJSON]
  ) -> TestJSON {
    [
      "name": .text(name), "stage": .integer(stage), "route": route.map(TestJSON.numbers) ?? .null,
      "file": .text(engine.file(name).lastPathComponent), "weight_bytes": .integer(bytes), "exclusive_bytes": 0,
      "inputs": .array(inputs), "outputs": .array(outputs),
    ]
  }

  private var usagePrior: TestJSON {
    if script.stages.contains(where: { $0.allSatisfy { $0.share == 0 } }) { return .null }
    return .array(
      script.stages.map { graphs in
        .array(
          graphs.enumerated().map { expert, graph in ["route": .numbers([expert]), "share": .number(graph.share)] })
      })
  }
}
