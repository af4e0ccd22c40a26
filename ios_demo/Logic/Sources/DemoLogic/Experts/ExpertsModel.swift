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
  @ObservationIgnored private var following: [Task<Void, Never>] = []

  /// The last change that was asked for.
  @ObservationIgnored private var applying: Task<Void, Never>?

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
    // Before the first look, so that nothing is missed after it.
    let states = dispatcher.states
    loads.graphs = await dispatcher.graphStates
    var log = LoadLog()
    log.see(loads.graphs, times: dispatcher.loadTimes, Date())
    look()
    follow(states, log)
  }

  // MARK: What the user does

  /// Keeps an expert in memory once an image has needed it, or no longer.
  public func pin(_ expert: Expert, _ isPinned: Bool) { change(wanted.with(expert.pin, isPinned: isPinned)) }

  /// The most experts of a stage in memory; nil for no limit.
  public func limitExperts(_ most: Int?) { change(wanted.with(maxExperts: most)) }

  /// The most bytes of weights in memory; nil for no limit.
  public func limitBytes(_ most: Int?) { change(wanted.with(maxBytes: most)) }

  /// Loads what is pinned, then what is used most, as far as the limits let it.
  public func load() { after { $0.error = await $0.refusal { try await $0.prewarm() } } }

  /// Releases what is not pinned, as the system does when it lacks memory.
  public func release() { after { $0.error = await $0.refusal { await $0.trim() } } }

  /// Ends its work, and leaves the dispatcher open.
  func close() {
    for task in following { task.cancel() }
  }

  // MARK: Work

  /// Evicting frees an engine's memory, which takes a while: one change after the other, so that the last one wins.
  private func change(_ residency: Residency) {
    wanted = residency
    applying = after { await $0.apply(residency) }
  }

  /// Works when all changes of before are done.
  @discardableResult
  private func after(_ work: @escaping @MainActor (ExpertsModel) async -> Void) -> Task<Void, Never> {
    Task { [weak self, applying] in
      await applying?.value
      if let self { await work(self) }
    }
  }

  private func follow(_ states: AsyncStream<DispatcherState>, _ log: LoadLog) {
    let (stream, told) = AsyncStream.makeStream(of: Loads.self, bufferingPolicy: .bufferingNewest(1))
    let dispatcher = dispatcher
    following = [
      // Beside the main thread, which may be busy while many graphs come and go.
      Task.detached {
        var log = log
        for await _ in states {
          let graphs = await dispatcher.graphStates
          log.see(graphs, times: dispatcher.loadTimes, Date())
          told.yield(Loads(graphs: graphs, events: log.events, lastLoads: log.lastLoads))
        }
        told.finish()
      },
      Task { [weak self] in
        for await loads in stream { self?.take(loads) }
      },
    ]
  }

  private func take(_ loads: Loads) {
    self.loads = loads
    look()
  }

  private func apply(_ residency: Residency) async {
    let refusal = await refusal { try await $0.setResidency(residency) }
    let now = await dispatcher.residency
    self.residency = now
    if refusal != nil { wanted = now }
    error = refusal
    look()
  }

  /// Why work is refused, in a sentence; nil where it is done.
  private func refusal(_ work: @Sendable (Dispatcher) async throws -> Void) async -> String? {
    do {
      try await work(dispatcher)
      return nil
    } catch {
      return error is CancellationError ? nil : sentence(of: error)
    }
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
