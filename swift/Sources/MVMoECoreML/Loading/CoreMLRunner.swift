import Foundation
import MVMoE

/// Runs the graphs of a `coreml` target, a model each.
final class CoreMLRunner: Runner {
  private let root: URL
  private let target: Target
  private let targetKey: String
  private let system: any CoreMLSystem
  private let options: CoreMLOptions
  private let timeLimit: TimeLimit
  private let choices: UnitChoices
  private let compiled: CompiledModels
  private let board: StateBoard
  private let errors = EngineErrors(engine: "Core ML")
  private let ownNotes: Guarded<[String]>
  private let functions = Guarded<[String: [String]]>([:])

  init(
    root: URL, target: Target, system: any CoreMLSystem, options: CoreMLOptions, timeLimit: TimeLimit,
    choices: [ComputeUnits], compiled: CompiledModels, board: StateBoard, notes: [String]
  ) throws {
    self.root = root
    self.target = target
    self.system = system
    self.options = options
    self.timeLimit = timeLimit
    self.choices = UnitChoices(choices)
    self.compiled = compiled
    self.board = board
    ownNotes = Guarded(notes)
    targetKey = try ModelPackage.key(of: target, root: root, system.version)
  }

  var engineName: String { "Core ML of \(system.version.description) (\(provider))" }

  /// The units that graphs are on: `cpuAndNeuralEngine`, or several where some did not load there.
  var provider: String { choices.inUse.map(\.rawValue).joined(separator: ", ") }

  var notes: [String] { ownNotes.withLock { $0 } }

  func load(_ graph: Graph) async throws -> any LoadedGraph {
    try requireTypes(graph)
    board.set(graph.name, .compiling)
    do {
      let model = try await loaded(graph)
      try requireSignature(graph, model.value)
      choices.use(model.units)
      board.set(graph.name, .loaded(model.units), reason: model.reason)
      return CoreMLGraph(graph, model.value, errors: errors, board: board)
    } catch {
      board.set(graph.name, .failed, reason: "\(error)")
      throw error
    }
  }

  // MARK: - Plans

  var version: SystemVersion { system.version }

  /// The units on which the next graph is tried first.
  var current: ComputeUnits { choices.current.first ?? options.computeUnits }

  /// Core ML's plan of a graph's package, function by function; nil where this system has none.
  func plan(_ graph: Graph) async throws -> [String: [PlannedOperation]]? {
    let place = try await compiledModel(graph, package(of: graph))
    let (system, configuration) = (system, configuration(graph, current))
    do {
      return try await timeLimit.run { try await system.plan(place.url, configuration) }
    } catch {
      throw loadError(graph, error, doing: "get a plan")
    }
  }

  // MARK: - Compiling

  private func package(of graph: Graph) -> ModelPackage { ModelPackage(graph.file, target: target, root: root) }

  private func compiledModel(_ graph: Graph, _ package: ModelPackage) async throws -> CompiledModel {
    do {
      return try await compiled.model(of: package, target: targetKey)
    } catch {
      throw loadError(graph, error, doing: "compile")
    }
  }

  // MARK: - Loading

  private struct Loaded {
    let value: any CoreMLModel
    let units: ComputeUnits
    let reason: String?
  }

  /// The graph on the first units that load it.
  private func loaded(_ graph: Graph) async throws -> Loaded {
    let package = package(of: graph)
    var place = try await compiledModel(graph, package)
    var refusals: [(units: ComputeUnits, error: any Error)] = []
    var left = choices.current
    var mayBeDamaged = !place.isFresh
    while let units = left.first {
      do {
        let model = try await model(graph, place, units)
        noteFallback(graph, refusals, to: units)
        return Loaded(value: model, units: units, reason: refusals.last.map { reason(graph, $0.error) })
      } catch  where mayBeDamaged && !(error is TimeLimitExceeded) {
        // What an earlier process has left may be damaged: these units are asked once more, and no others are, since what
        // cannot be removed is found again.
        mayBeDamaged = false
        functions.withLock { $0[package.path] = nil }
        try await compiled.discard(package, target: targetKey)
        place = try await compiledModel(graph, package)
      } catch {
        refusals.append((units, error))
        if error is TimeLimitExceeded { choices.giveUp(units) }
        left.removeFirst()
      }
    }
    throw loadError(graph, mostTelling(refusals.map(\.error)), doing: "load")
  }

  private func model(_ graph: Graph, _ place: CompiledModel, _ units: ComputeUnits) async throws -> any CoreMLModel {
    board.set(graph.name, .loading(units))
    let system = system
    try await requireFunction(graph, place)
    let configuration = configuration(graph, units)
    return try await timeLimit.run { try await system.load(place.url, configuration) }
  }

  private func configuration(_ graph: Graph, _ units: ComputeUnits) -> ModelConfiguration {
    ModelConfiguration(
      function: graph.entry, units: units, prefersFastPrediction: options.prefersFastPrediction,
      displayName: graph.name)
  }

  /// What Core ML says of a function that is not there is about anything but that.
  private func requireFunction(_ graph: Graph, _ place: CompiledModel) async throws {
    guard let entry = graph.entry else { return }
    let names = try await functionNames(graph.file, place)
    guard !names.contains(entry) else { return }
    throw MVMoEError(
      .engineLoadFailed,
      "graph \(graph.name) (\(graph.file)) does not load in Core ML: the package has no function \(entry), it has "
        + "\(names.isEmpty ? "none" : names.sorted().joined(separator: ", ")); export the bundle again",
      fields: ["graph": .text(graph.name)])
  }

  /// The functions of a package, for which Core ML reads it: asked once.
  private func functionNames(_ package: String, _ place: CompiledModel) async throws -> [String] {
    if let known = functions.withLock({ $0[package] }) { return known }
    let system = system
    let names = try await timeLimit.run { try await system.functionNames(of: place.url) }
    functions.withLock { $0[package] = names }
    return names
  }

  /// Core ML's arrays have integers of 32 bits only.
  private func requireTypes(_ graph: Graph) throws {
    let others: Set<DType> = [.int64, .int8]
    guard let other = (graph.inputs + graph.outputs).first(where: { others.contains($0.dtype) }) else { return }
    throw MVMoEError(
      .engineLoadFailed,
      "graph \(graph.name) (\(graph.file)) does not load in Core ML: its tensor \(other.name) is \(other.dtype.rawValue), "
        + "which this engine cannot give to Core ML; export it with float32, float16 or int32",
      fields: ["graph": .text(graph.name)])
  }

  private func requireSignature(_ graph: Graph, _ model: any CoreMLModel) throws {
    func signatures(_ features: [ModelFeature], _ specs: [TensorSpec]) -> [Signature] {
      features.map { feature in feature.signature(specs.first { $0.name == feature.name }) }
    }
    try errors.requireSignature(
      graph, inputs: signatures(model.inputs, graph.inputs), outputs: signatures(model.outputs, graph.outputs))
  }

  // MARK: - Errors and notes

  /// A time limit says less than an error.
  private func mostTelling(_ failures: [any Error]) -> any Error {
    failures.first { !($0 is TimeLimitExceeded) } ?? TimeLimitExceeded(limit: timeLimit.duration ?? .zero)
  }

  private func loadError(_ graph: Graph, _ error: any Error, doing what: String) -> any Error {
    switch error {
    case let limit as TimeLimitExceeded:
      MVMoEError(
        .engineTimeout,
        "graph \(graph.name) (\(graph.file)) did not \(what) in Core ML within \(inWords(limit.limit)); "
          + "give it more time (loadTimeLimit), or other compute units",
        fields: ["graph": .text(graph.name)], cause: limit)
    case let ours as MVMoEError: ours
    default: errors.load(graph, error)
    }
  }

  private func reason(_ graph: Graph, _ error: any Error) -> String {
    switch error {
    case let limit as TimeLimitExceeded: "graph \(graph.name) did not load within \(inWords(limit.limit))"
    case let ours as MVMoEError: ours.message
    default: errors.load(graph, error).message
    }
  }

  private func noteFallback(
    _ graph: Graph, _ refusals: [(units: ComputeUnits, error: any Error)], to units: ComputeUnits
  ) {
    for refusal in refusals {
      let which = refusal.error is TimeLimitExceeded ? "graphs run" : "it runs"
      let sentence =
        "with the compute units \(refusal.units.rawValue) \(reason(graph, refusal.error)): "
        + "\(which) with \(units.rawValue) instead"
      ownNotes.withLock { $0.append(sentence) }
      board.note(sentence)
    }
  }
}
