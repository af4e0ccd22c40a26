import Foundation

@testable import MVMoE

/// Writes the bundle of a ``ToyModel``; its golden vectors are of images of the model's own.
struct ToyBundle {
  private static let page = 16_384

  private let model: ToyModel
  private let folder: URL
  private var files: [TestJSON] = []

  /// - Parameters:
  ///   - golden: the images of the golden vectors.
  ///   - prior: the usage prior.
  @discardableResult
  static func write(
    _ model: ToyModel, to folder: URL, golden: [[Float]]? = nil, prior: TestJSON = .null
  ) throws -> URL {
    var bundle = ToyBundle(model: model, folder: folder)
    let manifest = try bundle.manifest(golden ?? [Array(repeating: 0, count: model.width)], prior)
    try Data(manifest.description.utf8).write(to: folder.appendingPathComponent("manifest.json"))
    return folder
  }

  private init(model: ToyModel, folder: URL) {
    self.model = model
    self.folder = folder
  }

  private var stages: Range<Int> { model.experts.indices }

  private mutating func manifest(_ golden: [[Float]], _ prior: TestJSON) throws -> TestJSON {
    let goldenFile = folder.appendingPathComponent("golden")
    try ToyGolden.file(model, golden).write(to: goldenFile)
    let tensors = (0...stages.count).map { "s\($0).value" }
    return [
      "format": "mvmoe-bundle",
      "version": 2,
      "model": ["family": "toy", "name": "toy", "params_total": 1, "params_active": 1, "macs": 1],
      "source": ["checkpoint_sha256": nil, "packages": [:]],
      "input": [
        "height": 1, "width": .integer(model.width), "channel_order": "L", "resize": "squash",
        "interpolation": "nearest", "mean": [0.0], "std": [1.0],
      ],
      "stages": .array([stemStage()] + stages.map(routedStage)),
      "outputs": [
        // With routers inside an output is one tensor.
        [
          "name": "answer", "kind": "tensor",
          "tensors": .texts(model.routersInGraph ? tensors.suffix(1) : tensors),
        ],
        ["name": "scores", "kind": "logits", "tensors": ["s0.scores"], "labels": ["x", "double", "minus"]],
      ],
      "targets": ["toy": try target()],
      "usage_prior": prior,
      "golden": ["images": .integer(golden.count), "file": try .fileRecord(goldenFile)],
    ]
  }

  private mutating func target() throws -> TestJSON {
    let graphs = try model.routersInGraph ? [wholeGraph()] : [stem()] + stages.flatMap { try routed($0) }
    let experts = try model.strategy == "bind" ? writeWeights() : []
    return [
      "format": "fake",
      "strategy": .text(model.strategy),
      "precision": "fp32",
      "batch": .integer(model.batch),
      "graphs": .array(graphs),
      "weights": experts.isEmpty ? .null : "weights.bin",
      "files": .array(files),
      "parity": nil,
      "routers": model.routersInGraph ? "in-graph" : "host",
      "experts": .array(experts),
    ]
  }

  private func stemStage() -> TestJSON {
    let given = stages.filter(model.hasRouter).map { "logits\($0)" } + ["state", "value", "scores"]
    return [
      "name": "s0", "rule": nil, "router": nil, "takes": ["image": "image"],
      "gives": .object(Dictionary(uniqueKeysWithValues: given.map { ($0, .text("s0.\($0)")) })),
    ]
  }

  private func routedStage(_ stage: Int) -> TestJSON {
    [
      "name": .text("s\(stage + 1)"),
      "rule": model.rules[stage],
      "router": model.hasRouter(stage) ? .text("s0.logits\(stage)") : .null,
      "takes": ["state": .text("s\(stage).state")],
      "gives": ["next_state": .text("s\(stage + 1).state"), "value": .text("s\(stage + 1).value")],
      "finishes": .array(model.finishes[stage].map(TestJSON.numbers)),
    ]
  }

  private mutating func stem() throws -> TestJSON {
    let logits = stages.filter(model.hasRouter).map { spec("logits\($0)", model.experts[$0]) }
    return try graph(
      "stem", 0, nil, [spec("image", 1, 1, model.width)],
      logits + [state("state"), spec("value", 1), spec("scores", 3)])
  }

  private mutating func wholeGraph() throws -> TestJSON {
    try graph(
      "whole", 0, nil, [spec("image", 1, 1, model.width), spec("steering", model.width - 1)],
      [spec("answer", 1), spec("scores", 3), spec("router_logits", model.width - 1)])
  }

  private mutating func routed(_ stage: Int) throws -> [TestJSON] {
    let (name, number, given) = ("s\(stage + 1)", stage + 1, [state("next_state"), spec("value", 1)])
    let routes = routes(model.rules[stage], model.experts[stage])
    let longest = routes.map(\.count).max() ?? 1
    switch model.strategy {
    case "dispatch":
      return try routes.filter { !model.finishes[stage].contains($0) }.map { route in
        let label = route.map(String.init).joined(separator: "_")
        return try graph(
          "\(name)_r\(label)", number, route, [state("state"), spec("gates", route.count)], given)
      }
    case "experts":
      let experts = Set(routes.joined()).sorted().filter { longest > 1 || !model.finishes[stage].contains([$0]) }
      let slots = (0..<longest).map { spec("slot\($0)_output", 1) }
      return try experts.map { try graph("\(name)_e\($0)", number, [$0], [state("state")], [spec("output", 1)]) }
        + [try graph("\(name)_join", number, nil, [state("state")] + slots + [spec("gates", longest)], given)]
    case "bind":
      return try Set(routes.map(\.count)).sorted().map { try bound(stage, $0, given) }
    case "gather":
      let index: TestJSON = [
        "name": "experts", "shape": .numbers([model.batch, longest]), "dtype": .text(model.indexType),
      ]
      return [try graph(name, number, nil, [state("state"), spec("gates", longest), index], given)]
    default:
      return [try graph(name, number, nil, [state("state"), spec("gates", model.experts[stage])], given)]
    }
  }

  private mutating func bound(_ stage: Int, _ length: Int, _ given: [TestJSON]) throws -> TestJSON {
    let weights = (0..<length).map { TestJSON.tensor("w\($0)", [1]) }
    let made = try graph(
      "s\(stage + 1)_b\(length)", stage + 1, Array(0..<length), [state("state"), spec("gates", length)] + weights, given
    )
    let places = (0..<length).map { ("w\($0)", TestJSON.object(["place": .integer($0), "tensor": "w"])) }
    return made.with(["bound": .object(Dictionary(uniqueKeysWithValues: places))])
  }

  /// The routes of a rule of the tests: `top_k`, `threshold` and `given` over that.
  private func routes(_ rule: TestJSON, _ experts: Int) -> [[Int]] {
    let chosen = rule["k"].integer ?? 1
    let kept = rule["kept"] == .null ? Array(0..<experts) : rule["kept"].integers
    switch rule["type"].text {
    case "top_k": return sets(experts, chosen).filter { $0.allSatisfy(kept.contains) }
    case "threshold": return (1...experts).flatMap { sets(experts, $0) }.filter { $0.allSatisfy(kept.contains) }
    default:
      let named = rule["routes"].members.sorted { $0.key < $1.key }.map(\.value.integers)
      let others = rule["otherwise"] == .null ? [] : routes(rule["otherwise"], experts)
      return (named + others).reduce(into: []) { found, route in if !found.contains(route) { found.append(route) } }
    }
  }

  /// All sets of `size` experts.
  private func sets(_ experts: Int, _ size: Int) -> [[Int]] {
    size == 0 ? [[]] : (0..<experts).flatMap { last in sets(last, size - 1).map { $0 + [last] } }
  }

  private func spec(_ name: String, _ shape: Int...) -> TestJSON { .tensor(name, [model.batch] + shape) }

  private func state(_ name: String) -> TestJSON { spec(name, 1).with(["dtype": .text(model.stateType)]) }

  private mutating func graph(
    _ name: String, _ stage: Int, _ route: [Int]?, _ inputs: [TestJSON], _ outputs: [TestJSON]
  ) throws -> TestJSON {
    let file = folder.appendingPathComponent("\(name).bin")
    try Data(name.utf8).write(to: file)
    files.append(try .fileRecord(file))
    return [
      "name": .text(name), "stage": .integer(stage), "route": route.map(TestJSON.numbers) ?? .null,
      "file": .text(file.lastPathComponent), "weight_bytes": 10, "exclusive_bytes": 0, "inputs": .array(inputs),
      "outputs": .array(outputs),
    ]
  }

  /// Writes the weights of all experts, each at a page of its own; gives where they are.
  private mutating func writeWeights() throws -> [TestJSON] {
    var bytes = Data(count: Self.page * model.experts.reduce(0, +))
    var offset = 0
    let places = model.experts.enumerated().map { stage, count in
      let routed = Set(routes(model.rules[stage], count).joined())
      return TestJSON.array(
        (0..<count).map { expert in
          defer { offset += Self.page }
          let bits = model.weight(stage, expert).bitPattern.littleEndian
          withUnsafeBytes(of: bits) { bytes.replaceSubrange(offset..<(offset + 4), with: $0) }
          let stored: TestJSON = ["offset": .integer(offset), "shape": [1], "dtype": "float32"]
          // What only finishes images is never computed, and has no weights; nor has what no route has.
          let isIdle = model.finishes[stage].contains([expert]) || !routed.contains(expert)
          return ["offset": .integer(offset), "bytes": 4, "tensors": isIdle ? [:] : ["w": stored]]
        })
    }
    let file = folder.appendingPathComponent("weights.bin")
    try bytes.write(to: file)
    files.append(try .fileRecord(file))
    return places
  }
}
