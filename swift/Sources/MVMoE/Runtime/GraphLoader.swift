/// Loads the graphs of one target, and binds weights to them. What is loaded is what was verified: a graph whose files changed
/// since is refused, and so are weights that are bound to a graph later.
final class GraphLoader: Sendable {
  /// What is open; it goes when the dispatcher is closed.
  private struct Opened {
    let runner: any Runner
    let files: CheckedFiles
    let weights: StoredWeights
  }

  private struct Expert: Hashable {
    let stage: Int
    let number: Int
  }

  /// The bindings of a graph to weights that are kept; making one takes microseconds.
  private static let mostBindings = 256

  /// The experts of a stage whose weights are prepared; it takes microseconds each.
  private static let mostPrepared = 256

  private let target: Target
  private let filesByGraph: GraphFiles
  private let weightsFile: [FileRecord]
  private let opened: Guarded<Opened?>
  private let said: Guarded<RunnerFacts>
  private let boundExperts = Guarded<Set<Expert>>([])

  init(target: Target, runner: any Runner, files: CheckedFiles, weights: StoredWeights) {
    self.target = target
    filesByGraph = GraphFiles(target)
    weightsFile = target.files.filter { $0.path == target.weights }
    opened = Guarded(Opened(runner: runner, files: files, weights: weights))
    said = Guarded(RunnerFacts(runner))
  }

  /// The weights that graphs take.
  ///
  /// - Throws: ``MVMoEError`` after ``close()`` (`dispatcher.closed`).
  var weights: StoredWeights { get throws { try open().weights } }

  /// What the runner says of itself; after ``close()``, what it said last.
  var facts: RunnerFacts {
    let now = opened.withLock { $0?.runner }.map(RunnerFacts.init)
    return now ?? said.withLock { $0 }
  }

  /// Loads the graph at a place of the target's list.
  func load(_ place: Int) async throws -> ResidentGraph {
    let (graph, open) = (target.graphs[place], try open())
    let listed = filesByGraph.files(of: graph)
    try open.files.require(listed)
    let loaded: any LoadedGraph
    do {
      loaded = try await open.runner.load(graph)
    } catch let failure as MVMoEError where failure.isEngineFailure {
      try open.files.require(listed)  // Files that were replaced during the load are the reason.
      throw failure
    }
    try open.files.require(listed)
    return ResidentGraph(loaded, mostBindings: graph.bound.isEmpty ? .max : Self.mostBindings)
  }

  /// Makes beforehand what binding weights will need: of each expert by itself, since what an engine keeps of a tensor is the
  /// same in every route and place.
  func prepareWeights(_ place: Int, _ resident: ResidentGraph) throws {
    let (graph, weights) = (target.graphs[place], try weights)
    guard weights.isMapped, let last = graph.bound.values.map(\.place).max() else { return }
    let names = Set(graph.bound.values.map(\.tensor))
    for (expert, stored) in target.experts[graph.stage - 1].prefix(Self.mostPrepared).enumerated() {
      // An expert whose routes finish an image may have none.
      guard names.isSubset(of: stored.tensors.keys) else { continue }
      let route = Route(Array(repeating: expert, count: last + 1))
      try resident.prepare(try weights.inputs(of: graph, route: route))
    }
  }

  /// The weights that a graph takes for a route, from the file that was verified.
  func weights(_ place: Int, _ route: Route) throws -> [String: Tensor] {
    let (graph, open) = (target.graphs[place], try open())
    let wanted = route.map { Expert(stage: graph.stage, number: $0) }
    // Experts that were bound before lie where they were checked.
    if boundExperts.withLock({ $0.isSuperset(of: wanted) }) { return try open.weights.inputs(of: graph, route: route) }
    // What is mapped was opened when it was checked; what is not is opened and read between two looks at its path.
    if !open.weights.isMapped { try open.files.require(weightsFile) }
    let found = try open.weights.inputs(of: graph, route: route)
    try open.files.require(weightsFile)
    boundExperts.withLock { $0.formUnion(wanted) }
    return found
  }

  /// Lets go of the runner, of files and weights; graphs keep what they need.
  func close() {
    let last = facts
    said.withLock { $0 = last }
    _ = opened.withLock { opened in
      defer { opened = nil }
      return opened
    }
  }

  private func open() throws -> Opened {
    if let found = opened.withLock({ $0 }) { return found }
    throw MVMoEError.closed
  }
}

extension MVMoEError {
  /// For what is asked of a dispatcher that was closed.
  static var closed: MVMoEError { MVMoEError(.dispatcherClosed, "the dispatcher is closed; open the bundle again") }
}
