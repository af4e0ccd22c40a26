import Foundation
import MVMoE

/// Runs the graphs of `coreml` targets with Core ML, on the CPU, the GPU or the Neural Engine.
///
/// ```swift
/// let dispatcher = try await Dispatcher.open(folder, engine: .coreML(computeUnits: .cpuAndNeuralEngine))
/// ```
///
/// **Packages.** Each is compiled once and kept in the app's folder of caches. From iOS 18 and macOS 15 on one package holds
/// all graphs as functions, whose weights are on the storage once. Each graph in memory has a model of its own.
///
/// **First loads.** Core ML makes a graph fit for the device when it is loaded for the first time, and keeps the result until
/// the next update of the system, or longer disuse: `specialize(_:options:)` does it ahead. A load that takes longer than
/// ``CoreMLOptions/loadTimeLimit`` is abandoned, and the next of the units' ``ComputeUnits/fallbacks`` is tried, for all
/// graphs from then on. A choice of units that refuses one graph is passed over for this graph. ``states``, ``changes`` and
/// ``notes`` say so; so does the dispatcher's `provider`.
///
/// **Wrong answers.** A Neural Engine has given zeros after a cold start, without an error. `opened(_:residency:options:)`
/// opens a bundle, compares its golden vectors and goes on with other units where they are not met.
///
/// **Memory.** Inputs are read where they are. Core ML is offered the dispatcher's memory for what graphs give; what it
/// writes elsewhere is copied. Weights that graphs take (`bind`) are handed over by their addresses in the mapped file:
/// whether Core ML copies them for a run is its own affair.
///
/// One engine may be given to any number of dispatchers; ``states`` are then those of all.
public final class CoreMLEngine: Engine {
  /// How graphs are compiled, loaded and run.
  public let options: CoreMLOptions

  private let system: any CoreMLSystem
  private let timeLimit: TimeLimit
  private let cache: CacheFolder
  private let compiled: CompiledModels
  private let board: StateBoard

  /// An engine; options are checked when a dispatcher is opened (`input.invalid`).
  public convenience init(_ options: CoreMLOptions = CoreMLOptions()) {
    #if canImport(CoreML)
      self.init(options, system: AppleCoreML())
    #else
      self.init(options, system: MissingCoreML())
    #endif
  }

  /// An engine over another system than Core ML, or with another clock.
  init(
    _ options: CoreMLOptions, system: any CoreMLSystem,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.options = options
    self.system = system
    timeLimit = TimeLimit(duration: options.loadTimeLimit, sleep: sleep)
    cache = options.cache.map { CacheFolder(folder: $0) } ?? .standard
    compiled = CompiledModels(system: system, cache: cache, timeLimit: timeLimit)
    board = StateBoard()
  }

  /// Of the same compiled packages and states, with other units first.
  private init(_ engine: CoreMLEngine, _ options: CoreMLOptions) {
    self.options = options
    (system, timeLimit) = (engine.system, engine.timeLimit)
    (cache, compiled, board) = (engine.cache, engine.compiled, engine.board)
  }

  public var format: String { "coreml" }

  /// The state of each graph that was asked for, by its name.
  public var states: [String: CoreMLState] { board.states }

  /// Every change of a graph's state from now on; each access gives a stream of its own, which ends when the engine and all
  /// that it has loaded are gone.
  public var changes: AsyncStream<CoreMLChange> { board.changes() }

  /// What did not go as one hopes for, in a sentence each: units that were given up, memory that was refused.
  public var notes: [String] { board.notes }

  /// How many models this engine has in memory: one for each graph.
  public var modelCount: Int { board.models }

  /// An engine that tries these units first, and shares everything else with this one.
  func with(_ units: ComputeUnits) -> CoreMLEngine {
    var options = options
    options.computeUnits = units
    return CoreMLEngine(self, options)
  }

  /// The choices of units that this device has, in the order in which they are tried.
  var choices: [ComputeUnits] { available().0 }

  /// Something to know, which ``notes`` has from now on.
  func note(_ sentence: String) { board.note(sentence) }

  /// A runner of the target's graphs.
  ///
  /// - Throws: `MVMoEError` for options that make no sense (`input.invalid`), and where this system has no Core ML, or one
  ///   that is older than the target (`engine.unsupported-platform`).
  public func open(root: URL, target: Target) async throws -> any Runner { try runner(root: root, target: target) }

  func runner(root: URL, target: Target) throws -> CoreMLRunner {
    try options.check()
    if system is MissingCoreML { throw MissingCoreML.error }
    try requireSystem(target)
    cache.open(try ModelPackage.key(of: target, root: root, system.version), keeping: options.cachedTargets)
    let (choices, notes) = available()
    for note in notes { board.note(note) }
    return try CoreMLRunner(
      root: root, target: target, system: system, options: options, timeLimit: timeLimit, choices: choices,
      compiled: compiled, board: board, notes: notes)
  }

  /// The choices of units that this device has, and what to know of it.
  private func available() -> ([ComputeUnits], [String]) {
    if system.isSimulator, options.computeUnits != .cpuOnly {
      return (
        [.cpuOnly],
        [
          "a simulator has no Neural Engine, and its GPU is the Mac's: graphs run with cpuOnly instead of "
            + options.computeUnits.rawValue
        ]
      )
    }
    if options.computeUnits == .cpuAndNeuralEngine, !system.hasNeuralEngine {
      let choices = ComputeUnits.cpuAndNeuralEngine.fallbacks
      return (choices, ["this device has no Neural Engine: graphs run with \(choices[0].rawValue) instead"])
    }
    return (options.choices, [])
  }

  private func requireSystem(_ target: Target) throws {
    let needed = Self.release(target)
    guard system.version.release < needed else { return }
    let older = needed > 17 ? "17" : "16"
    throw MVMoEError(
      .engineUnsupportedPlatform,
      "target \(target.name) is for iOS \(needed) and later, and this is \(system.version.description); use a newer system, "
        + "or export with --coreml-deployment-target iOS\(older)",
      fields: ["target": .text(target.name)])
  }

  /// The first release of iOS that runs a target.
  private static func release(_ target: Target) -> Int {
    if case .text(let text)? = target.options["deployment_target"], text.hasPrefix("iOS"),
      let release = Int(text.dropFirst(3))
    {
      return release
    }
    return target.graphs.contains { $0.entry != nil } ? 18 : 16
  }
}

extension Engine where Self == CoreMLEngine {
  /// Core ML; the further options are those of ``CoreMLOptions``.
  public static func coreML(
    computeUnits: ComputeUnits = .cpuAndNeuralEngine, fallsBack: Bool = true, loadTimeLimit: Duration? = .seconds(60),
    prefersFastPrediction: Bool = false, cache: URL? = nil
  ) -> CoreMLEngine {
    CoreMLEngine(
      CoreMLOptions(
        computeUnits: computeUnits, fallsBack: fallsBack, loadTimeLimit: loadTimeLimit,
        prefersFastPrediction: prefersFastPrediction, cache: cache))
  }
}
