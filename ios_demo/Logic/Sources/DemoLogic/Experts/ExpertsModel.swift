import Foundation
import MVMoE
import Observation

/// What is in a dispatcher's memory, and the controls that change it.
///
/// It belongs to the open bundle, not to a screen: its log begins when the bundle is opened. What the cards of the
/// screen say is in `ExpertsCards.swift`.
@Observable @MainActor
public final class ExpertsModel {
  /// Those that can be in memory by themselves, in the manifest's order.
  public let experts: [Expert]

  /// How they come into memory.
  public let memory: ExpertMemory

  /// The places of the slider of how many experts of a stage may be in memory.
  public let expertLimits: BudgetScale

  /// The places of the slider of how many bytes of weights may be in memory.
  public let byteLimits: BudgetScale

  /// An expert for each of ``experts``, as it is now.
  public private(set) var rows: [ExpertRow] = []

  /// Limits and pins, as the dispatcher has them.
  public private(set) var residency: Residency

  /// What happened, the newest first.
  public private(set) var events: [LoadEvent] = []

  /// What the dispatcher says of its limits and its engine.
  public private(set) var notes: [String]

  /// Why the last change was refused; nil where it was not.
  public private(set) var error: String?

  /// ``residency`` with the changes that the dispatcher has not taken yet: what sliders show.
  private(set) var wanted: Residency

  @ObservationIgnored let dispatcher: Dispatcher
  @ObservationIgnored let words: Words

  @ObservationIgnored private var loads = Loads()
  @ObservationIgnored private let changes: AsyncStream<Residency>.Continuation
  @ObservationIgnored private var work: [Task<Void, Never>] = []

  /// What the log knows.
  private struct Loads: Sendable {
    var graphs: [String: LoadState] = [:]
    var events: [LoadEvent] = []
    var lastLoads: [String: Duration] = [:]
  }

  init(_ dispatcher: Dispatcher, words: Words = Words()) async {
    self.dispatcher = dispatcher
    self.words = words
    experts = Expert.all(dispatcher.bundle.manifest, dispatcher.target)
    memory = ExpertMemory(dispatcher.target)
    expertLimits = .ofExperts(experts)
    byteLimits = .ofBytes(experts)
    notes = dispatcher.notes
    let residency = await dispatcher.residency
    (self.residency, wanted) = (residency, residency)
    let (stream, changes) = AsyncStream.makeStream(of: Residency.self)
    self.changes = changes
    loads.graphs = await dispatcher.graphStates
    look()
    follow(stream)
  }

  // MARK: What the user does

  /// Keeps an expert in memory once an image has needed it, or no longer.
  public func pin(_ expert: Expert, _ isPinned: Bool) { change(wanted.with(expert.pin, isPinned: isPinned)) }

  /// The most experts of a stage in memory; nil for no limit.
  public func limitExperts(_ most: Int?) { change(wanted.with(maxExperts: most)) }

  /// The most bytes of weights in memory; nil for no limit.
  public func limitBytes(_ most: Int?) { change(wanted.with(maxBytes: most)) }

  /// Loads what is pinned, then what is used most, as far as the limits let it.
  public func load() {
    let dispatcher = dispatcher
    work.append(Task { await attempt { try await dispatcher.prewarm() } })
  }

  /// Releases what is not pinned, as the system does when it lacks memory.
  public func release() {
    let dispatcher = dispatcher
    work.append(Task { await attempt { await dispatcher.trim() } })
  }

  /// Ends its work, and leaves the dispatcher open.
  func close() {
    changes.finish()
    for task in work { task.cancel() }
  }

  private func change(_ residency: Residency) {
    wanted = residency
    changes.yield(residency)
  }

  // MARK: Work

  private func follow(_ changes: AsyncStream<Residency>) {
    let (stream, told) = AsyncStream.makeStream(of: Loads.self, bufferingPolicy: .bufferingNewest(1))
    let dispatcher = dispatcher
    work = [
      // Beside the main thread, so that a load's time is its own.
      Task.detached { await Self.log(dispatcher, told) },
      Task { [weak self] in
        for await loads in stream { self?.take(loads) }
      },
      // One after the other, so that the last change wins.
      Task { [weak self] in
        for await change in changes { await self?.apply(change) }
      },
    ]
  }

  private nonisolated static func log(_ dispatcher: Dispatcher, _ told: AsyncStream<Loads>.Continuation) async {
    var log = LoadLog()
    for await state in dispatcher.states {
      let at = ContinuousClock.now
      let graphs = await dispatcher.graphStates
      log.see(state, told: at, graphs, seen: ContinuousClock.now, Date())
      told.yield(Loads(graphs: graphs, events: log.events, lastLoads: log.lastLoads))
    }
    told.finish()
  }

  private func take(_ loads: Loads) {
    self.loads = loads
    look()
  }

  private func apply(_ residency: Residency) async {
    let dispatcher = dispatcher
    await attempt { try await dispatcher.setResidency(residency) }
    self.residency = await dispatcher.residency
    if error != nil { wanted = self.residency }
    look()
  }

  private func attempt(_ work: () async throws -> Void) async {
    do {
      try await work()
      error = nil
    } catch is CancellationError {
    } catch {
      self.error = sentence(of: error)
    }
    notes = dispatcher.notes
  }

  private func look() {
    events = loads.events
    notes = dispatcher.notes
    rows = experts.map { expert in
      ExpertRow(
        expert: expert, state: memory == .mapped ? .mapped : loads.graphs[expert.id] ?? .unloaded,
        isPinned: residency.pin.contains(expert.pin), lastLoad: loads.lastLoads[expert.id])
    }
  }
}
