import Foundation

/// Answers images with a bundle's graphs: it runs the stem, selects the route on the host, and runs that route's graph alone.
///
/// ```swift
/// let dispatcher = try await Dispatcher.open(folder, engine: .coreML(), residency: Residency(maxExperts: 2))
/// let prediction = try await dispatcher.predict(pixels)
/// print(try prediction.label, prediction.routes)
/// await dispatcher.close()
/// ```
///
/// It may be used by any number of tasks; calls run side by side, each in memory of its own. What is in memory when, and how it
/// ends, is said in `docs/dispatcher.md`. The bundle must stay as it is while it is open: an expert that would be loaded from
/// files that changed meanwhile is refused (`bundle.replaced`).
///
/// **Cancellation.** A call that has to load an expert, or waits for another call's load of it, throws `CancellationError` where
/// its task is cancelled; a load that the engine has begun is finished and kept, and a call whose experts are in memory is
/// answered. Closing cannot be cancelled.
///
/// **The end.** ``close()`` waits for the calls in flight. A dispatcher that was never closed frees everything when its last
/// reference goes.
public final class Dispatcher: Sendable {
  private let core: DispatcherCore

  private init(_ core: DispatcherCore) { self.core = core }

  /// Opens the bundle in a directory: checks its manifest and the hashes of the target's files, and loads what every image runs.
  /// Experts are loaded when an image needs them.
  ///
  /// Links in `bundle` are followed once, here. Nothing stays open where the task is cancelled.
  ///
  /// - Throws: ``MVMoEError``: for a bundle that is missing or damaged, or lacks a target for the engine (`bundle.no-target`);
  ///   if the engine does not exist here, or refuses a graph; for a limit below 1 (`input.invalid`), and for a pin that names no
  ///   graph (`routing.unknown-route`).
  public static func open(
    _ bundle: URL, engine: any Engine, residency: Residency = Residency(), options: OpenOptions = OpenOptions()
  ) async throws -> Dispatcher {
    Dispatcher(try await DispatcherCore.open(bundle, engine: engine, residency: residency, options: options))
  }

  /// The bundle that it has opened.
  public var bundle: ModelBundle { core.bundle }

  /// The target whose graphs it runs.
  public var target: Target { core.pipeline.target }

  /// What runs the graphs, for people: the engine with its version.
  public var engineName: String { core.engineName }

  /// Where the engine runs them: an execution provider, compute units. An engine may change it as it loads graphs.
  public var provider: String { core.provider }

  /// What to know of how it runs, one sentence each: limits that have no effect, compute units that were given up. Usually empty.
  public var notes: [String] { core.notes }

  /// The names of the graphs of single routes in memory, the least recently used first.
  public var resident: [String] { get async { await core.resident } }

  /// Where each graph of a single route is, by its name; with the strategy `bind` those that take weights.
  public var graphStates: [String: LoadState] { get async { await core.states } }

  /// How long the last load of each graph took, by its name, of those that were loaded since the bundle was opened: from the
  /// beginning that ``states`` tells to the end, however late a stream is read.
  public var loadTimes: [String: Duration] { core.streams.loadTimes }

  /// What it does now, and from now on: a new stream each time, which ends when the dispatcher is closed.
  ///
  /// A state is told when a load begins and ends, where graphs are evicted, and around prewarming; an image whose experts are in
  /// memory changes nothing. One who reads slowly misses the oldest.
  public var states: AsyncStream<DispatcherState> { core.streams.stream() }

  /// Limits and pins.
  public var residency: Residency { get async { core.residency } }

  /// Sets other limits and pins, at any time: what is over them is evicted at once, and freed when the calls that use it have
  /// run it.
  ///
  /// - Throws: ``MVMoEError`` for a limit below 1 (`input.invalid`), and for a pin that names no graph
  ///   (`routing.unknown-route`); then nothing has changed.
  public func setResidency(_ residency: Residency) async throws { try await core.setResidency(residency) }

  /// The answer for one image.
  ///
  /// - Parameters:
  ///   - pixels: read until the call has ended.
  ///   - choices: names of routes, where the model leaves them to its caller: `["task": "depth"]`. A choice that a router can
  ///     make may be left out.
  /// - Throws: ``MVMoEError``: for a buffer that contradicts itself (`image.buffer-...`); for choices that the model lacks, or
  ///   does not have (`routing.choice-missing`, ...); for router logits, or an answer, that are not finite
  ///   (`routing.not-finite`); if an expert does not load or run (`engine...`, `limit...`); if its files changed since the bundle
  ///   was opened (`bundle.replaced`); after ``close()`` (`dispatcher.closed`). `CancellationError`, see above.
  public func predict(_ pixels: PixelBuffer, choices: [String: String] = [:]) async throws -> Prediction {
    try await core.predict(pixels, choices)
  }

  /// The answers for preprocessed images `[B, C, H, W]`, one for each.
  ///
  /// Images are grouped by route, so that an expert that has to be loaded is loaded once. One image of fp32 is read where it
  /// lies, if the target's graphs take one image at a time: leave it as it is until the call has ended. The dispatcher keeps a
  /// reference to the tensor, so that the next call with the same one has nothing to prepare.
  ///
  /// - Parameters:
  ///   - images: of fp32.
  ///   - choices: those of all images, as ``predict(_:choices:)`` has them.
  /// - Throws: ``PartialResultError`` with the other images' answers, if an expert does not load or run; ``MVMoEError`` for
  ///   another shape or type (`input.shape`), and otherwise as ``predict(_:choices:)`` does.
  public func run(_ images: Tensor, choices: [String: String] = [:]) async throws -> [Answer] {
    try await core.run(images, choices)
  }

  /// As `run(_:choices:)` of a ``Tensor``, of numbers that are copied.
  public func run(_ images: [Float], choices: [String: String] = [:]) async throws -> [Answer] {
    try await core.run(images, choices)
  }

  /// Answers the bundle's golden images with this engine, and says how far it is off.
  ///
  /// A phone's accelerator can answer wrongly on one device, or from its second inference on: ask after opening, and again after
  /// a minute of work. ``EngineCheck/requireOk()`` throws if the engine falls short.
  ///
  /// - Throws: ``MVMoEError`` if the golden vectors are damaged, and if an expert does not load or run.
  public func check() async throws -> EngineCheck { try await core.check() }

  /// Loads pinned experts, then others by the usage prior, as many as fit, and runs each once.
  ///
  /// An expert that does not load is passed over: the images that need it have its error. Closing ends it after the load that it
  /// is at.
  public func prewarm() async throws { try await core.prewarm() }

  /// Releases what is not pinned and what is spare, as under memory pressure; calls in flight go on.
  ///
  /// Experts that are needed later are loaded again.
  public func trim() async { await core.trim() }

  /// Lets no further call begin, waits for those in flight, and frees everything native.
  ///
  /// It may be called from any task and more than once: each call waits. Where the calling task is inside of a call of its own
  /// (an engine closes the dispatcher that runs it, say), everything is freed when that one ends.
  public func close() async { await core.close() }
}
