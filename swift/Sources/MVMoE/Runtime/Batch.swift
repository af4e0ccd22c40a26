/// Many images at once: stage by stage, the images of each stage grouped by the graph that they need.
///
/// An expert that has to be loaded is loaded once for the whole batch, however the routes are mixed.
final class Batch {
  /// The images that one graph serves, in their order.
  private struct Group {
    let graph: Int
    let site: CallSite
    var images: [Int]
  }

  /// What images are grouped by: the graph that they need and, where it is bound to weights, the route.
  private struct GroupKey: Hashable {
    let graph: Int
    let route: Route?
  }

  private static let mostShown = 20

  private let pipeline: Pipeline
  private let graphs: GraphCache
  private let maker: AnswerMaker
  private let buffers: InferenceBuffers
  private let selectors: [any Selector]
  private let images: ImageRows
  private let count: Int
  private var given: [String: GivenRows] = [:]
  private var ways: [ImageWay]

  /// - Parameter selectors: what selects the routes, one for each routed stage.
  init(
    _ pipeline: Pipeline, _ graphs: GraphCache, _ maker: AnswerMaker, _ buffers: InferenceBuffers,
    selectors: [any Selector], images: ImageRows, count: Int
  ) {
    self.pipeline = pipeline
    self.graphs = graphs
    self.maker = maker
    self.buffers = buffers
    self.selectors = selectors
    self.images = images
    self.count = count
    ways = Array(repeating: ImageWay(), count: count)
  }

  /// The answers, one for each image.
  ///
  /// - Throws: ``MVMoEError`` for router logits or answers that are not finite, and ``PartialResultError`` with the other images'
  ///   answers where some need a graph that does not load or run.
  func run() async throws -> [Answer] {
    try await runStage(0)
    for stage in 1..<(selectors.count + 1) {
      try select(stage)
      try await runStage(stage)
    }
    return try answers()
  }

  // MARK: Stages

  private func select(_ stage: Int) throws {
    let router = try pipeline.stages[stage].router.map { try rows(of: $0) }
    for image in ways.indices where ways[image].goesOn {
      let logits = router?.floats(image) ?? []
      let selection = try selectors[stage - 1].select(logits)
      ways[image].selections.append(selection)
      ways[image].logits.append(logits)
      ways[image].isFinished = pipeline.isFinished(stage, selection.route)
    }
  }

  private func runStage(_ index: Int) async throws {
    let stage = pipeline.stages[index]
    var inputs: [String: any Rows] = [:]
    for (name, tensor) in stage.takes { inputs[name] = tensor == imageTensor ? images : try rows(of: tensor) }
    if index > 0 { inputs.merge(try await runExperts(index, inputs)) { _, slot in slot } }
    let outputs = stage.gives.mapValues { _ in GivenRows(images: count) }
    for group in try await groups(index) {
      try await run(group, inputs) { image, position in
        for (name, tensor) in buffers.outputs[index] { outputs[name]?.take(image, from: tensor, position: position) }
        ways[image].last = index
      }
    }
    for (name, tensor) in stage.gives { given[tensor] = outputs[name] }
  }

  private func rows(of tensor: String) throws -> GivenRows { try known(given[tensor], "tensor \(tensor)") }

  /// Runs the graphs of experts, each once for all images that need it; gives what the slots of the joining graph take.
  private func runExperts(_ stage: Int, _ inputs: [String: any Rows]) async throws -> [String: any Rows] {
    var groups: [Group] = []
    for (image, serving) in try serving(stage) {
      for graph in serving.dropLast() {
        try add(image, to: &groups, at: groups.firstIndex { $0.graph == graph }, graph, buffers.site(graph, slot: 0))
      }
    }
    var filled: [String: GivenRows] = [:]
    for group in await residentFirst(groups) {
      let outputs = try buffers.outputs(of: group.graph, slot: 0)
      try await run(group, inputs) { image, position in
        guard let slot = try pipeline.serving(stage, route(of: image)).firstIndex(of: group.graph) else { return }
        for (name, tensor) in outputs {
          let input = slotInput(slot, output: name)
          let rows = filled[input] ?? GivenRows(images: count)
          filled[input] = rows
          rows.take(image, from: tensor, position: position)
        }
      }
    }
    return filled
  }

  // MARK: Groups

  /// The images that go on at a stage, by the graph that they need.
  private func groups(_ stage: Int) async throws -> [Group] {
    if stage == 0 {
      return [Group(graph: try pipeline.graphOfAll(0), site: try buffers.stem(), images: Array(ways.indices))]
    }
    var places: [GroupKey: Int] = [:]
    var groups: [Group] = []
    for (image, serving) in try serving(stage) {
      let (graph, route) = (try known(serving.last, "graph of stage \(stage)"), route(of: image))
      let key = GroupKey(graph: graph, route: pipeline.target.graphs[graph].bound.isEmpty ? nil : route)
      let site = try known(try buffers.step(stage, route).last, "graph of stage \(stage)")
      try add(image, to: &groups, at: places[key], graph, site)
      if places[key] == nil { places[key] = groups.count - 1 }
    }
    return await residentFirst(groups)
  }

  private func add(
    _ image: Int, to groups: inout [Group], at place: Int?, _ graph: Int, _ site: @autoclosure () throws -> CallSite
  ) throws {
    if let place {
      groups[place].images.append(image)
    } else {
      groups.append(Group(graph: graph, site: try site(), images: [image]))
    }
  }

  /// The images that go on, each with the graphs that it runs at a stage.
  private func serving(_ stage: Int) throws -> [(image: Int, graphs: [Int])] {
    try ways.indices.filter { ways[$0].goesOn }.map { ($0, try pipeline.serving(stage, route(of: $0))) }
  }

  /// The route of an image at the stage that selected last.
  private func route(of image: Int) -> Route { ways[image].selections.last?.route ?? [] }

  private func residentFirst(_ groups: [Group]) async -> [Group] {
    let resident = Set(await graphs.resident)
    return groups.filter { resident.contains($0.graph) } + groups.filter { !resident.contains($0.graph) }
  }

  /// Runs a group's graph on its images, as many at a time as it takes; they have failed if it does not load or run.
  private func run(
    _ group: Group, _ inputs: [String: any Rows], take: (_ image: Int, _ position: Int) throws -> Void
  ) async throws {
    let batch = max(pipeline.target.batch, 1)
    do {
      try await group.site.use { bound in
        for start in stride(from: 0, to: group.images.count, by: batch) {
          let part = group.images[start..<min(start + batch, group.images.count)]
          for (position, image) in part.enumerated() { try fill(group.graph, inputs, image, position) }
          try await bound.run()
          for (position, image) in part.enumerated() { try take(image, position) }
        }
      }
    } catch let failure as MVMoEError where failure.isEngineFailure {
      for image in group.images { ways[image].failure = failure }
    }
  }

  private func fill(_ graph: Int, _ inputs: [String: any Rows], _ image: Int, _ position: Int) throws {
    let tensors = try buffers.inputs(of: graph)
    for (name, tensor) in tensors { inputs[name]?.write(image, to: tensor, position: position) }
    let described = pipeline.target.graphs[graph]
    guard described.stage > 0, !pipeline.isJoined(described), let selection = ways[image].selections.last else {
      return
    }
    pipeline.strategy.writer(inputs: tensors, route: selection.route, position: position).write(selection.gates)
  }

  // MARK: Answers

  private func answers() throws -> [Answer] {
    let found = try ways.indices.map { ways[$0].failure == nil ? try values(of: $0) : nil }
    let notFinite = found.indices.filter { found[$0].map { !$0.allSatisfy(areFinite) } ?? false }
    var failures: [Int: MVMoEError] = [:]
    for image in ways.indices { failures[image] = ways[image].failure }
    if let first = notFinite.first, failures.isEmpty {
      let shown = notFinite.prefix(Self.mostShown).map(String.init).joined(separator: ", ")
      throw AnswerMaker.notFinite(" for the images \(shown) of the batch", image: first)
    }
    for image in notFinite { failures[image] = AnswerMaker.notFinite(" for image \(image) of the batch", image: image) }
    let answers = try found.enumerated().map { image, values in
      failures[image] == nil ? try values.map { try answer(image, $0) } : nil
    }
    if !failures.isEmpty { throw PartialResultError(answers: answers, failures: failures) }
    return answers.compactMap(\.self)
  }

  /// The values of each output of an image.
  private func values(of image: Int) throws -> [[Float]] {
    try buffers.results[ways[image].last].map { try rows(of: $0.tensorName).floats(image) }
  }

  private func answer(_ image: Int, _ values: [[Float]]) throws -> Answer {
    let way = ways[image]
    let outputs = zip(buffers.results[way.last], values).map { maker.output($0, $1, nil) }
    let innerLogits = try pipeline.routesInGraph ? rows(of: routerLogitsTensor).floats(image) : nil
    return try maker.answer(outputs, last: way.last, way.selections, way.logits, innerLogits: innerLogits)
  }
}
