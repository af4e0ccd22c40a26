import MVMoE

/// Which units graphs are loaded on: the first of a list that is not given up.
///
/// A choice that did not load a graph in time is given up for all graphs after it, since each would wait for as long. One that
/// refuses a graph is passed over for this graph alone.
final class UnitChoices: Sendable {
  private let remaining: Guarded<[ComputeUnits]>
  private let used = Guarded<[ComputeUnits]>([])

  init(_ choices: [ComputeUnits]) { remaining = Guarded(choices) }

  /// Those that are tried for the next graph; never empty.
  var current: [ComputeUnits] { remaining.withLock { $0 } }

  /// Units that graphs are on, the first one's first; those of the next graph where there is none yet.
  var inUse: [ComputeUnits] {
    let used = used.withLock { $0 }
    return used.isEmpty ? Array(current.prefix(1)) : used
  }

  /// Gives units up, unless they are the last.
  func giveUp(_ units: ComputeUnits) {
    remaining.withLock { choices in
      if choices.count > 1 { choices.removeAll { $0 == units } }
    }
  }

  /// A graph is on these.
  func use(_ units: ComputeUnits) {
    used.withLock { used in
      if !used.contains(units) { used.append(units) }
    }
  }
}
