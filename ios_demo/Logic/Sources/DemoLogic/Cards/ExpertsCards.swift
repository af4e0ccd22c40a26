import MVMoE

/// A block of the map of experts: filled where it is in memory, with a second edge where it is pinned.
public struct ExpertBlock: Sendable, Hashable, Identifiable {
  /// The expert's.
  public let id: String

  /// The numbers of the experts.
  public let text: String

  /// Where it is.
  public let state: LoadState

  /// Whether it stays in memory.
  public let isPinned: Bool
}

/// An expert's line.
public struct ExpertLine: Sendable, Hashable, Identifiable {
  /// The expert's.
  public let id: String

  /// What people call it.
  public let name: String

  /// What it takes of the memory.
  public let cost: String

  /// Where it is, and how long its last load took.
  public let state: String

  /// Whether the switch is on.
  public let isPinned: Bool

  /// The switch, said.
  public let pinSpoken: String

  /// What the switch pins.
  public let expert: Expert
}

extension ExpertsModel {
  /// How much is in memory.
  public var summary: String {
    let bytes = words.size(rows.reduce(0) { saturated($0, $1.expert.bytes) })
    let inMemory = rows.filter(\.isInMemory)
    switch memory {
    case .loaded:
      let bytesInMemory = words.size(inMemory.reduce(0) { saturated($0, $1.expert.bytes) })
      return ExpertsPhrase.expertsSummary.with(
        words.count(inMemory.count), words.count(rows.count), bytesInMemory, bytes)
    case .mapped: return ExpertsPhrase.expertsSummaryMapped.with(words.count(rows.count), bytes)
    case .together: return ExpertsPhrase.expertsSummaryTogether.text
    }
  }

  /// How experts come into memory with this target.
  public var explanation: String {
    let phrase: ExpertsPhrase =
      switch memory {
      case .loaded: .expertsExplanationLoaded
      case .mapped: .expertsExplanationMapped
      case .together: .expertsExplanationTogether
      }
    return phrase.with(dispatcher.target.name, dispatcher.engineName, dispatcher.target.strategy)
  }

  /// The map; empty where nothing comes and goes.
  public var blocks: [ExpertBlock] {
    rows.map { row in
      ExpertBlock(
        id: row.id, text: ExpertNames.numbers(of: row.expert.route), state: row.state, isPinned: row.isPinned)
    }
  }

  /// The map, said.
  public var mapSpoken: String {
    let names = names
    return ExpertsPhrase.expertsMapDescription.with(
      names.list(rows.filter(\.isInMemory).map(\.expert)), names.list(rows.filter(\.isPinned).map(\.expert)))
  }

  /// A line for each expert.
  public var lines: [ExpertLine] {
    let names = names
    return rows.map { row in
      let name = names.name(of: row.expert)
      return ExpertLine(
        id: row.id, name: name, cost: cost(row.expert), state: state(row), isPinned: row.isPinned,
        pinSpoken: ExpertsPhrase.expertsPinDescription.with(name), expert: row.expert)
    }
  }

  /// What was refused, and what to know of how it runs; nil where there is nothing.
  public var message: String? {
    let all = (error.map { [$0] } ?? []) + notes
    return all.isEmpty ? nil : all.joined(separator: "\n")
  }

  /// Whether there is something to limit, to load and to release, and a log of it.
  public var hasControls: Bool { memory == .loaded }

  /// What happened, a line each, the newest first; one line where nothing has.
  public var logLines: [String] {
    if events.isEmpty { return [ExpertsPhrase.expertsLogEmpty.text] }
    let byID = Dictionary(experts.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let names = names
    return events.map { event in told(event, byID[event.graph].map(names.name) ?? event.graph) }
  }

  private var names: ExpertNames { ExpertNames(experts) }

  private func cost(_ expert: Expert) -> String {
    let bytes = words.size(expert.bytes)
    if expert.ownBytes == expert.bytes { return bytes }
    return ExpertsPhrase.expertCostOwn.with(bytes, words.size(expert.ownBytes))
  }

  private func state(_ row: ExpertRow) -> String {
    let state = ExpertNames.state(row.state)
    return row.lastLoad.map { ExpertsPhrase.expertLoaded.with(state, words.duration($0)) } ?? state
  }

  private func told(_ event: LoadEvent, _ name: String) -> String {
    let time = words.time(event.at)
    switch event.change {
    case .loaded:
      guard let took = event.took else { return ExpertsPhrase.expertsLogLoadedUntimed.with(time, name) }
      return ExpertsPhrase.expertsLogLoaded.with(time, name, words.duration(took))
    case .released: return ExpertsPhrase.expertsLogReleased.with(time, name)
    case .failed: return ExpertsPhrase.expertsLogFailed.with(time, name)
    }
  }

  private func saturated(_ one: Int, _ other: Int) -> Int {
    let (sum, overflows) = one.addingReportingOverflow(other)
    return overflows ? Int.max : sum
  }
}

// MARK: The sliders, which act at once.

extension ExpertsModel {
  /// The place of the slider of experts; to set it sets the limit.
  public var expertsPlace: Int {
    get { expertLimits.place(wanted.maxExperts) }
    set { limitExperts(expertLimits.limit(newValue)) }
  }

  /// The place of the slider of bytes; to set it sets the limit.
  public var bytesPlace: Int {
    get { byteLimits.place(wanted.maxBytes) }
    set { limitBytes(byteLimits.limit(newValue)) }
  }

  /// What the slider of experts says.
  public var expertsPlaceText: String {
    ExpertsPhrase.expertsMostIs.with(told(wanted.maxExperts.map(words.count)))
  }

  /// What the slider of bytes says.
  public var bytesPlaceText: String { ExpertsPhrase.expertsBytesIs.with(told(wanted.maxBytes.map(words.size))) }

  private func told(_ limit: String?) -> String {
    limit.map { ExpertsPhrase.expertsAtMost.with($0) } ?? ExpertsPhrase.expertsWithoutLimit.text
  }
}
