/// Where the time of one inference goes, part by part in order; reading the clock takes some 30 ns.
package final class Laps {
  /// The parts of a model with five routed stages.
  private static let few = 16

  private var parts: [Part] = []
  private var ends: [ContinuousClock.Instant] = []
  private var begin = ContinuousClock.now

  package init() {
    parts.reserveCapacity(Self.few)
    ends.reserveCapacity(Self.few)
  }

  /// How many parts have ended.
  package var count: Int { parts.count }

  /// An inference begins.
  package func start() {
    parts.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    begin = .now
  }

  /// A part ends now; it began when the part before it ended.
  package func end(_ part: Part) {
    ends.append(.now)
    parts.append(part)
  }

  /// The part that ended as number `index`.
  package func part(_ index: Int) -> Part { parts[index] }

  /// How long it took.
  package func duration(_ index: Int) -> Duration { ends[index] - (index == 0 ? begin : ends[index - 1]) }

  /// The sums so far; the total ends now.
  package func timings() -> Timings {
    let total = ContinuousClock.now - begin
    func sum(_ part: Part) -> Duration {
      parts.indices.reduce(.zero) { parts[$1] == part ? $0 + duration($1) : $0 }
    }
    return Timings(
      preprocess: sum(.preprocess), stem: sum(.stem), select: sum(.select), load: sum(.load), expert: sum(.expert),
      total: total)
  }
}
