@testable import MVMoE

/// Runs the graphs of a ``ToyModel``; a test may make loads and runs wait or fail.
final class ToyEngine: StrictEngine {
  typealias Before = @Sendable (_ graph: String) async throws -> Void
  typealias After = @Sendable (_ outputs: [String: Tensor]) -> Void

  private struct Hooks {
    var beforeLoad: Before = { _ in }
    var beforeRun: Before = { _ in }
    var afterRun: After = { _ in }
  }

  let ledger = EngineLedger()
  private let model: ToyModel
  private let hooks = Guarded(Hooks())

  init(_ model: ToyModel) { self.model = model }

  /// What happens at the beginning of a load, by the graph's name.
  func beforeLoad(_ work: @escaping Before) { hooks.withLock { $0.beforeLoad = work } }

  /// What happens at the beginning of a run.
  func beforeRun(_ work: @escaping Before) { hooks.withLock { $0.beforeRun = work } }

  /// What is done to the outputs at the end of a run.
  func afterRun(_ work: @escaping After) { hooks.withLock { $0.afterRun = work } }

  func onLoad(_ graph: Graph) async throws { try await hooks.withLock { $0 }.beforeLoad(graph.name) }

  func onRun(_ graph: Graph, _ inputs: [String: Tensor], _ outputs: [String: Tensor]) async throws {
    try await hooks.withLock { $0 }.beforeRun(graph.name)
    for image in 0..<model.batch {
      let (inputs, outputs) = (ToyRow(inputs, image), ToyRow(outputs, image))
      if model.routersInGraph {
        try runAll(inputs, outputs)
      } else if graph.stage == 0 {
        runStem(inputs, outputs)
      } else {
        runRouted(graph, inputs, outputs)
      }
    }
    hooks.withLock { $0 }.afterRun(outputs)
  }

  private func runStem(_ inputs: ToyRow, _ outputs: ToyRow) {
    let image = inputs.floats("image")
    let x = image[image.count - 1]
    for stage in model.experts.indices where model.hasRouter(stage) {
      outputs.put("logits\(stage)", model.logits(image, stage))
    }
    outputs.putState("state", x)
    outputs.put("value", [x])
    outputs.put("scores", [x, 2 * x, -x])
  }

  private func runRouted(_ graph: Graph, _ inputs: ToyRow, _ outputs: ToyRow) {
    let (stage, state, route) = (graph.stage - 1, inputs.state("state"), graph.route ?? [])
    if graph.name.contains("_e") {
      outputs.put("output", [model.weight(stage, route[0]) * (state + 1)])
      return
    }
    let gates = inputs.floats("gates")
    let added = gates.indices.map { place in
      let given: Float =
        switch model.strategy {
        case "experts": inputs.floats("slot\(place)_output")[0]
        case "bind": inputs.all("w\(place)")[0] * (state + 1)
        case "gather": model.weight(stage, inputs.index("experts", place)) * (state + 1)
        case "all-experts": model.weight(stage, place) * (state + 1)
        default: model.weight(stage, route[place]) * (state + 1)
        }
      return Double(gates[place] * given)
    }
    let next = state + Float(added.reduce(0, +))
    outputs.putState("next_state", next)
    outputs.put("value", [next])
  }

  /// Selects by itself, as ``ToyModel/ways(_:)`` does.
  private func runAll(_ inputs: ToyRow, _ outputs: ToyRow) throws {
    let image = inputs.floats("image")
    guard inputs.floats("steering").allSatisfy({ $0 == 0 }) else {
      throw MVMoEError(.engineRunFailed, "the steering is not 0")
    }
    let (routes, gates) = model.ways(image)
    let x = image[image.count - 1]
    outputs.put("answer", [model.answer(x, routes: routes, gates: gates)])
    outputs.put("scores", [x, 2 * x, -x])
    outputs.put("router_logits", image.dropLast())
  }
}

/// One image's part of the tensors of a graph.
private struct ToyRow {
  private let tensors: [String: Tensor]
  private let image: Int

  init(_ tensors: [String: Tensor], _ image: Int) {
    self.tensors = tensors
    self.image = image
  }

  func all(_ name: String) -> [Float] { tensors[name]?.numbers ?? [] }

  func floats(_ name: String) -> [Float] { tensors[name].map { Array($0.floats(ofImage: image)) } ?? [] }

  func put(_ name: String, _ values: [Float]) {
    _ = tensors[name]?.floats(ofImage: image).update(fromContentsOf: values)
  }

  func index(_ name: String, _ place: Int) -> Int {
    guard let tensor = tensors[name] else { return 0 }
    let row = UnsafeRawBufferPointer(tensor.row(image))
    return tensor.dtype == .int64
      ? Int(row.load(fromByteOffset: 8 * place, as: Int64.self))
      : Int(row.load(fromByteOffset: 4 * place, as: Int32.self))
  }

  func state(_ name: String) -> Float {
    guard let tensor = tensors[name] else { return 0 }
    let row = UnsafeRawBufferPointer(tensor.row(image))
    return tensor.dtype == .float16 ? Float(row.load(as: Int16.self)) / 64 : row.load(as: Float.self)
  }

  func putState(_ name: String, _ value: Float) {
    guard let tensor = tensors[name] else { return }
    if tensor.dtype == .float16 {
      tensor.row(image).storeBytes(of: Int16(64 * value), as: Int16.self)
    } else {
      tensor.row(image).storeBytes(of: value, as: Float.self)
    }
  }
}
