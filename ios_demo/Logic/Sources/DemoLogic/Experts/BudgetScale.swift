/// The places of a slider that limits how much is in memory; its last place is no limit.
public struct BudgetScale: Sendable, Hashable {
  /// The limits, ascending: one for each place but the last.
  private let steps: [Int]

  /// The number of the last place, where places begin with 0.
  public var last: Int { steps.count }

  /// The limit of a place; nil for none.
  public func limit(_ place: Int) -> Int? { steps.indices.contains(place) ? steps[place] : nil }

  /// The place of a limit: that of the next larger one where it has none of its own.
  public func place(_ limit: Int?) -> Int {
    guard let limit else { return last }
    return steps.firstIndex { $0 >= limit } ?? last
  }
}

extension BudgetScale {
  /// How many experts may be in memory: 1, 2, ... of the stage that has most.
  static func ofExperts(_ experts: [Expert]) -> BudgetScale {
    let most = Dictionary(grouping: experts, by: \.stage).values.map(\.count).max() ?? 0
    return BudgetScale(steps: most > 1 ? Array(1..<most) : [])
  }

  /// How many bytes may be in memory: room for the largest expert, for that and the next one, and so on.
  static func ofBytes(_ experts: [Expert]) -> BudgetScale {
    var sums: [Int] = []
    for bytes in experts.map(\.bytes).sorted(by: >) {
      let (sum, overflows) = (sums.last ?? 0).addingReportingOverflow(bytes)
      sums.append(overflows ? Int.max : sum)
    }
    let steps = sums.dropLast().filter { $0 > 0 }
    return BudgetScale(steps: steps.enumerated().filter { $0 == 0 || steps[$0 - 1] != $1 }.map(\.element))
  }
}
