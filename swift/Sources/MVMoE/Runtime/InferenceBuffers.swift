/// The tensors of one inference in flight, made once and used again; a dispatcher keeps as many sets as calls ever ran at once.
///
/// Nothing is copied between two graphs (``StageTensors``). Graphs of one stage share the inputs that have the same name,
/// shape and type. All are filled with zeros at first, which is what `steering` stays.
final class InferenceBuffers {
  private struct OwnTensor: Hashable {
    let stage: Int
    let name: String
    let shape: [Int]
    let dtype: DType
  }

  private struct SiteKey: Hashable {
    let graph: Int
    let slot: Int?
  }

  /// For each routed stage the logits `[E]` of the first image; empty where there is no router.
  let firstLogits: [UnsafeBufferPointer<Float>]

  /// The logits of all routers for the first image, where they are inside of the graph.
  let firstInnerLogits: UnsafeBufferPointer<Float>?

  /// For each stage the model's outputs of images for which it was the last.
  let results: [[ModelOutput]]

  /// The weights that graphs take; nil where they take none.
  let weights: StoredWeights?

  let laps = Laps()

  private let pipeline: Pipeline
  private let graphs: GraphCache
  private let tensors: StageTensors
  private let stemGraph: Int
  private var own: [OwnTensor: Tensor] = [:]
  private var inputs: [Int: [String: Tensor]] = [:]
  private var sites: [SiteKey: CallSite] = [:]
  private var known: [KnownSteps]
  private var stem: CallSite?
  private var callersStem: (image: Tensor, site: CallSite)?

  /// - Throws: ``MVMoEError`` where there is no memory for them (`limit.memory`).
  init(_ pipeline: Pipeline, _ graphs: GraphCache) throws {
    let tensors = try StageTensors(pipeline)
    firstLogits = try pipeline.stages.dropFirst().map { stage in
      try stage.router.map(tensors.first) ?? UnsafeBufferPointer(start: nil, count: 0)
    }
    firstInnerLogits = try pipeline.routesInGraph ? tensors.first(routerLogitsTensor) : nil
    results = try pipeline.results.map { row in
      try row.map { ModelOutput($0, try tensors.named($0.tensor)) }
    }
    weights = try graphs.takesWeights ? graphs.weights : nil
    known = pipeline.rules.map { _ in KnownSteps() }
    stemGraph = try pipeline.graphOfAll(0)
    self.tensors = tensors
    self.pipeline = pipeline
    self.graphs = graphs
  }

  /// The input of the stem `[B, C, H, W]`.
  var image: Tensor { tensors.image }

  /// For each stage its outputs, by the names that its graphs have for them.
  var outputs: [[String: Tensor]] { tensors.outputs }

  /// What runs the stem on ``image``; or on a caller's image `[1, C, H, W]`, which it reads where it lies.
  func stem(_ callersImage: Tensor? = nil) throws -> CallSite {
    if let callersImage { return try stem(on: callersImage) }
    if let stem { return stem }
    let site = try site(stemGraph, slot: nil)
    stem = site
    return site
  }

  private func stem(on image: Tensor) throws -> CallSite {
    if let callersStem, callersStem.image === image { return callersStem.site }
    let inputs = try inputs(of: stemGraph).merging([imageTensor: image]) { _, image in image }
    let site = graphs.site(stemGraph, inputs: inputs, outputs: outputs[0])
    callersStem = (image, site)
    return site
  }

  /// What a graph takes beside weights, by name.
  func inputs(of graph: Int) throws -> [String: Tensor] {
    if let found = inputs[graph] { return found }
    let graphs = pipeline.target.graphs
    let taken = try graphs[graph].inputs.filter { graphs[graph].bound[$0.name] == nil }.map { spec in
      (spec.name, try input(graphs[graph].stage, spec))
    }
    let made = Dictionary(taken) { first, _ in first }
    inputs[graph] = made
    return made
  }

  /// What a graph gives: its stage's outputs, or the inputs of a slot of the graph that joins.
  func outputs(of graph: Int, slot: Int?) throws -> [String: Tensor] {
    let graph = pipeline.target.graphs[graph]
    guard let slot else { return outputs[graph.stage] }
    let given = try graph.outputs.map { spec in
      (spec.name, try ownTensor(graph.stage, slotInput(slot, output: spec.name), spec))
    }
    return Dictionary(given) { first, _ in first }
  }

  /// What runs a graph that serves images whatever their weights; what it gives goes into a slot, or is what its stage gives.
  func site(_ graph: Int, slot: Int?) throws -> CallSite {
    let key = SiteKey(graph: graph, slot: slot)
    if let site = sites[key] { return site }
    let site = graphs.site(graph, inputs: try inputs(of: graph), outputs: try outputs(of: graph, slot: slot))
    sites[key] = site
    return site
  }

  /// What the first image of a route runs at a stage; kept for the most recently learned routes.
  func step(_ stage: Int, _ route: Route) throws -> Step {
    if let step = known[stage - 1][route] { return step }
    let step = try learn(stage, route)
    known[stage - 1].learn(route, step)
    return step
  }

  private func learn(_ stage: Int, _ route: Route) throws -> Step {
    if pipeline.isFinished(stage, route) { return Step(gates: nil, experts: [], last: nil) }
    let serving = try pipeline.serving(stage, route)
    let last = try MVMoE.known(serving.last, "graph for the route \(route)")
    let experts = try serving.dropLast().enumerated().map { slot, graph in try site(graph, slot: slot) }
    let inputs = try inputs(of: last)
    let writer = pipeline.strategy.writer(inputs: inputs, route: route, position: 0)
    let takesWeights = !pipeline.target.graphs[last].bound.isEmpty
    return Step(
      gates: writer, experts: experts,
      last: takesWeights
        ? graphs.site(last, route: route, inputs: inputs, outputs: outputs[stage]) : try site(last, slot: nil))
  }

  /// The tensor of an input: one that a stage before gave, or one of the stage's own.
  private func input(_ stage: Int, _ spec: TensorSpec) throws -> Tensor {
    if let taken = pipeline.stages[stage].takes[spec.name] { return try tensors.named(taken) }
    return try ownTensor(stage, spec.name, spec)
  }

  private func ownTensor(_ stage: Int, _ name: String, _ spec: TensorSpec) throws -> Tensor {
    let key = OwnTensor(stage: stage, name: name, shape: spec.shape, dtype: spec.dtype)
    if let tensor = own[key] { return tensor }
    let tensor = try Tensor.zeros(spec)
    own[key] = tensor
    return tensor
  }
}
