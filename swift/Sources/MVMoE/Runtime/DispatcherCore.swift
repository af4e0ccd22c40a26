import Foundation

/// What ``Dispatcher`` does; benchmarks, which impose routes, use it directly.
package final class DispatcherCore: Sendable {
  package let bundle: ModelBundle
  package let pipeline: Pipeline

  private let graphs: GraphCache
  private let answers: AnswerMaker
  private let preprocessor: Preprocessor
  private let images: ImageCheck
  private let calls: Calls<InferenceBuffers>

  /// Whether the stem can read a caller's image where it lies: it takes one, and nothing else reads it.
  private let readsInPlace: Bool

  /// What selects routes where the caller chooses nothing; nil if he has to.
  private let routers: [any Selector]?

  private init(_ bundle: ModelBundle, _ pipeline: Pipeline, _ graphs: GraphCache) throws {
    let manifest = pipeline.manifest
    self.bundle = bundle
    self.pipeline = pipeline
    self.graphs = graphs
    answers = try AnswerMaker(pipeline)
    preprocessor = Preprocessor(manifest.input)
    images = ImageCheck(shape: manifest.input.shape)
    readsInPlace =
      pipeline.target.batch == 1 && pipeline.stages.dropFirst().allSatisfy { !$0.takes.values.contains(imageTensor) }
      && manifest.outputs.allSatisfy { !$0.tensors.contains(imageTensor) }
    let routers = pipeline.rules.compactMap { Choices.router(of: $0) }
    self.routers = routers.count == pipeline.rules.count ? routers : nil
    calls = Calls(make: { try InferenceBuffers(pipeline, graphs) }, free: graphs.close)
  }

  /// See ``Dispatcher/open(_:engine:residency:options:)``.
  static func open(
    _ path: URL, engine: any Engine, residency: Residency, options: OpenOptions
  ) async throws -> DispatcherCore {
    try residency.requireLimits()
    // A link may be turned later; what graphs are loaded from may not.
    let bundle = try ModelBundle.open(path.resolvingSymlinksInPath(), manifestSHA256: options.manifestSHA256)
    let target = try bundle.target(ofFormat: engine.format, options.target)
    return try await open(bundle, target: target, engine: engine, residency: residency)
  }

  /// As above, of a bundle that is open, at a path without links.
  package static func open(
    _ bundle: ModelBundle, target: Target, engine: any Engine, residency: Residency
  ) async throws -> DispatcherCore {
    let pipeline = try Pipeline(manifest: bundle.manifest, target: target)
    let files = try CheckedFiles.verify(root: bundle.root, files: target.files, keep: target.weights)
    try Task.checkCancellation()
    let weights = try StoredWeights(root: bundle.root, target: target, files: files)
    let runner = try await engine.open(root: bundle.root, target: target)
    let loader = GraphLoader(target: target, runner: runner, files: files, weights: weights)
    let core = try DispatcherCore(bundle, pipeline, GraphCache(pipeline, loader))
    try await core.graphs.limit(residency)
    try await core.loadAlways()
    return core
  }

  // MARK: What it has

  package var resident: [String] {
    get async { await graphs.resident.map { pipeline.target.graphs[$0].name } }
  }

  var states: [String: LoadState] { get async { await graphs.states } }

  var residency: Residency { graphs.residency }

  var streams: StateStreams { graphs.streams }

  package var engineName: String { graphs.facts.engineName }

  package var provider: String { graphs.facts.provider }

  var notes: [String] { graphs.facts.notes + limitNotes }

  private var limitNotes: [String] {
    guard graphs.takesWeights, residency.isLimited else { return [] }
    return [
      "limits of experts in memory have no effect with the target \(pipeline.target.name): the weights of its experts are "
        + "mapped from a file, and the system decides which pages of it are in memory"
    ]
  }

  func setResidency(_ residency: Residency) async throws { try await graphs.limit(residency) }

  // MARK: What it answers

  func predict(_ pixels: PixelBuffer, _ choices: [String: String]) async throws -> Prediction {
    let selectors = try selectors(choices)
    return try await calls.run { buffers in
      buffers.laps.start()
      let transform = try preprocessor.prepare(pixels, into: buffers.image.floats)
      buffers.laps.end(.preprocess)
      let passage = try await buffers.passOne(selectors)
      let answer = try answers.answer(buffers, passage, transform)
      return Prediction(answer: answer, transform: transform, timings: buffers.laps.timings())
    }
  }

  package func run(_ tensor: Tensor, _ choices: [String: String]) async throws -> [Answer] {
    let count = try images.count(tensor)
    let selectors = try selectors(choices)
    if count > 1 { return try await runBatch(.tensor(tensor), count, selectors) }
    return try await runOne(selectors) { readInPlace(tensor) ? tensor : copy(.tensor(tensor), $0) }
  }

  package func run(_ numbers: [Float], _ choices: [String: String]) async throws -> [Answer] {
    let count = try images.count(numbers)
    let selectors = try selectors(choices)
    if count > 1 { return try await runBatch(.numbers(numbers), count, selectors) }
    return try await runOne(selectors) { copy(.numbers(numbers), $0) }
  }

  /// One image `[1, C, H, W]` with selectors of the caller's own, and what `read` makes of the answer and of where its time went:
  /// for benchmarks, which impose routes.
  package func trace<Result>(
    _ image: Tensor, _ selectors: (Laps) throws -> [any Selector], read: (Answer, Laps) throws -> Result
  ) async throws -> Result {
    try await calls.run { buffers in
      let chosen = try selectors(buffers.laps)
      buffers.laps.start()
      let passage = try await buffers.passOne(
        chosen, callersImage: readInPlace(image) ? image : copy(.tensor(image), buffers))
      return try read(try answers.answer(buffers, passage), buffers.laps)
    }
  }

  /// What selects the routes of a call with these choices, one for each stage between whose graphs the host selects.
  package func selectors(_ choices: [String: String]) throws -> [any Selector] {
    if choices.isEmpty, let routers { return routers }
    return try Choices.selectors(pipeline.rules, choices: choices)
  }

  package func check() async throws -> EngineCheck {
    let golden = try bundle.golden()
    let answered = try await calls.run { buffers in
      var answered: [Answered] = []
      for image in 0..<golden.images { answered.append(try await answer(golden, image, buffers)) }
      return answered
    }
    return try AnswerCheck.check(
      try BundleAnswers(golden, pipeline.manifest), answered, pipeline.manifest, pipeline.target)
  }

  package func prewarm() async throws {
    try await calls.run { buffers in
      streams.prewarms(true)
      defer { streams.prewarms(false) }
      try await Prewarming(pipeline, graphs, buffers) { self.calls.isClosing }.run()
    }
  }

  package func trim() async {
    _ = calls.takeIdle()
    await graphs.trim()
  }

  package func close() async { await calls.close() }

  // MARK: How

  /// Loads what every image runs, and binds the stem.
  private func loadAlways() async throws {
    for (place, graph) in pipeline.target.graphs.enumerated() where graph.route == nil || graphs.takesWeights {
      try await graphs.load(place)
    }
    try await calls.run { try await $0.stem().prepare() }
    try Task.checkCancellation()
  }

  /// An engine reads the memory of a tensor by its type: it has to begin where a number may.
  private func readInPlace(_ image: Tensor) -> Bool {
    let address = UInt(bitPattern: image.bytes.baseAddress)
    return readsInPlace && address.isMultiple(of: UInt(MemoryLayout<Float>.alignment))
  }

  /// Copies an image into the buffers, where the stem then reads it.
  private func copy(_ image: ImageRows.Source, _ buffers: InferenceBuffers) -> Tensor? {
    ImageRows(image, numbers: images.size).write(0, to: buffers.image, position: 0)
    return nil
  }

  /// The answer for one image, which the stem reads where `place` says, or in the buffers.
  private func runOne(
    _ selectors: [any Selector], _ place: (InferenceBuffers) -> Tensor?
  ) async throws -> [Answer] {
    try await calls.run { buffers in
      buffers.laps.start()
      do {
        let passage = try await buffers.passOne(selectors, callersImage: place(buffers))
        return [try answers.answer(buffers, passage)]
      } catch let failure as MVMoEError where failure.isEngineFailure {
        throw PartialResultError(answers: [nil], failures: [0: failure])
      }
    }
  }

  private func runBatch(_ source: ImageRows.Source, _ count: Int, _ selectors: [any Selector]) async throws -> [Answer]
  {
    try await calls.run { buffers in
      let rows = ImageRows(source, numbers: images.size)
      return try await Batch(pipeline, graphs, answers, buffers, selectors: selectors, images: rows, count: count).run()
    }
  }

  /// What the graphs make of a golden image; where the caller chooses, it takes what may be chosen in turn.
  private func answer(_ golden: GoldenVectors, _ image: Int, _ buffers: InferenceBuffers) async throws -> Answered {
    let selectors = try pipeline.rules.map { try Choices.selectorInTurn($0, image: image) }
    _ = copy(.numbers(try golden.image(image)), buffers)
    var (routes, last): ([Route], Int) = ([], pipeline.rules.count)
    do {
      let passage = try await buffers.passOne(selectors)
      last = passage.last
      routes = try answers.routes(buffers, passage)
    } catch let failure as MVMoEError where failure.code == .routingNotFinite {
      // Logits that are not finite end the way here; they are infinitely far off.
    }
    let outputs = buffers.results[last].map { (pipeline.manifest.outputs[$0.output].name, $0.values()) }
    return Answered(
      routes: routes, logits: answers.logits(buffers), outputs: Dictionary(outputs) { first, _ in first })
  }
}
