import MVMoE

/// The bundle's own graphs one after the other, each query's route and gates known, and everything bound beforehand.
final class BareGraphs: Subject {
  private struct Asked: Hashable {
    let image: Int
    let routes: Routes?
  }

  /// What answers one query, and where its answer lies afterwards.
  private struct Known {
    let calls: [any BoundGraph]
    let outputs: [NamedTensor]
  }

  let actual: EngineChoice
  private let pipeline: Pipeline
  private let runner: any Runner
  private let weights: StoredWeights
  private let images: Images
  private let given: [[String: Tensor]]

  /// What stages pass on, by the manifest's name of it.
  private let passed: [String: Tensor]
  private var loaded: [String: any LoadedGraph] = [:]
  private var known: [Asked: Known] = [:]

  private init(_ pipeline: Pipeline, _ runner: any Runner, _ weights: StoredWeights, _ images: Images) throws {
    self.pipeline = pipeline
    self.runner = runner
    self.weights = weights
    self.images = images
    actual = runner.choice
    given = try pipeline.stages.indices.map {
      try tensors(pipeline.target.graphs[pipeline.givingGraph($0)].outputs)
    }
    var passed: [String: Tensor] = [:]
    for (stage, tensors) in zip(pipeline.stages, given) {
      for (name, tensor) in tensors { passed[stage.gives[name] ?? name] = tensor }
    }
    self.passed = passed
  }

  static func open(
    _ order: SubjectOrder, images: Images, engines: any Engines, watch: Stopwatch
  ) async throws -> BareGraphs {
    let (bundle, target) = try order.openBundle()
    let pipeline = try Pipeline(manifest: bundle.manifest, target: target)
    let weights = try StoredWeights.checked(target, of: bundle)
    let runner = try await engines.engine(of: order, target).open(root: bundle.root, target: target)
    let subject = try BareGraphs(pipeline, runner, weights, images)
    for query in order.queries { try await subject.learn(query) }
    watch.lap("open")
    return subject
  }

  /// The graphs, and a copy of what they give: images are read where they lie.
  func answer(_ query: Query) async throws -> OutputValues {
    guard let known = known[Asked(image: query.image, routes: query.routes)] else {
      throw refused("a question was asked that the graphs were not bound for")
    }
    for call in known.calls { try await call.run() }
    return known.outputs.map(\.values)
  }

  /// Finds out which graphs and gates a query needs, by answering it once.
  private func learn(_ query: Query) async throws {
    var tensors = passed
    tensors[imageTensor] = try images.image(query.image)
    let stem = pipeline.target.graphs[try pipeline.graphOfAll(0)]
    var calls = [try await bind(stem, inputs(stem, tensors), given[0])]
    try await calls[0].run()
    var last = 0
    for (index, rule) in pipeline.rules.enumerated() {
      let stage = index + 1
      let logits = pipeline.stages[stage].router.flatMap { passed[$0] }.map { Array($0.floats(ofImage: 0)) } ?? []
      let imposed = query.routes.flatMap { $0.indices.contains(index) ? Route($0[index]) : nil }
      let route = try imposed ?? rule.select(logits).route
      if pipeline.isFinished(stage, route) { break }
      let found = try await stageCalls(stage, route, rule.gates(of: route, logits: logits), tensors)
      for call in found { try await call.run() }
      calls += found
      last = stage
    }
    let outputs = pipeline.manifest.outputs.compactMap { output in
      pipeline.tensor(of: output, last: last).flatMap { passed[$0] }.map { NamedTensor(output.name, $0) }
    }
    known[Asked(image: query.image, routes: query.routes)] = Known(calls: calls, outputs: outputs)
  }

  /// The calls of one stage: those of experts that another graph joins, and the last.
  private func stageCalls(
    _ stage: Int, _ route: Route, _ gates: [Float], _ passed: [String: Tensor]
  ) async throws -> [any BoundGraph] {
    let graphs = try pipeline.serving(stage, route).map { pipeline.target.graphs[$0] }
    guard let last = graphs.last else { return [] }
    var taken = try inputs(last, passed)
    pipeline.strategy.writer(inputs: taken, route: route, position: 0).write(gates)
    var calls: [any BoundGraph] = []
    for (slot, expert) in graphs.dropLast().enumerated() {
      var into: [String: Tensor] = [:]
      for output in expert.outputs { into[output.name] = taken[slotInput(slot, output: output.name)] }
      calls.append(try await bind(expert, inputs(expert, passed), into))
    }
    if !last.bound.isEmpty { taken.merge(try weights.inputs(of: last, route: route)) { $1 } }
    calls.append(try await bind(last, taken, given[stage]))
    return calls
  }

  /// What a graph takes beside weights: tensors of stages before, and tensors of its own.
  private func inputs(_ graph: Graph, _ passed: [String: Tensor]) throws -> [String: Tensor] {
    let takes = pipeline.stages[graph.stage].takes
    var found: [String: Tensor] = [:]
    for spec in graph.inputs where graph.bound[spec.name] == nil {
      found[spec.name] = try takes[spec.name].flatMap { passed[$0] } ?? .zeros(spec)
    }
    return found
  }

  private func bind(
    _ graph: Graph, _ inputs: [String: Tensor], _ outputs: [String: Tensor]
  ) async throws -> any BoundGraph {
    let found: any LoadedGraph
    if let known = loaded[graph.name] {
      found = known
    } else {
      found = try await runner.load(graph)
      loaded[graph.name] = found
    }
    return try found.bind(inputs: inputs, outputs: outputs)
  }
}
