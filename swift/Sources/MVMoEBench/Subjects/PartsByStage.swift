import MVMoE

/// The parts of one inference, added up by routed stage in nanoseconds; to be made as soon as it has ended.
struct PartsByStage {
  /// One graph that ran: the time to have it in memory, and that it took.
  struct GraphTime: Equatable {
    let load: Int
    let run: Int
  }

  /// By routed stage, for each graph that ran.
  private(set) var graphs: [[GraphTime]]

  private let total: Int
  private var stem = 0
  private var select: [Int]
  private var load: [Int]
  private var expert: [Int]
  private var impose = 0

  init(_ laps: Laps, stages: Int) {
    // First of all: the total ends here.
    total = laps.timings().total.nanoseconds
    graphs = Array(repeating: [], count: stages)
    select = Array(repeating: 0, count: stages)
    load = select
    expert = select
    var stage = 0
    for index in 0..<laps.count {
      let part = laps.part(index)
      // A stage may run several graphs, but selects one route.
      if part == .select, index > 0, laps.part(index - 1) == .expert { stage += 1 }
      let before = index > 0 ? laps.duration(index - 1).nanoseconds : 0
      add(part, laps.duration(index).nanoseconds, at: stage, before: before)
    }
  }

  private mutating func add(_ part: Part, _ spent: Int, at stage: Int, before: Int) {
    switch part {
    case .preprocess: break
    case .stem: stem += spent
    case .impose: impose += spent
    case .select: select[stage] += spent
    case .load: load[stage] += spent
    case .expert:
      expert[stage] += spent
      graphs[stage].append(GraphTime(load: before, run: spent))
    }
  }

  /// As a line has them; what it took to impose a route is no part of it.
  var fields: LapsFields {
    let parts = stem + (select + load + expert).reduce(0, +)
    return LapsFields(stem: stem, select: select, load: load, expert: expert, rest: max(0, total - impose - parts))
  }
}

extension Duration {
  /// All of it, in nanoseconds.
  var nanoseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }
}
