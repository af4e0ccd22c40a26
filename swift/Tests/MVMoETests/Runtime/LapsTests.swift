import Testing

@testable import MVMoE

/// Where the time of an inference goes.
@Suite struct LapsTests {
  @Test func partsAreKeptInOrderAndAddedUp() {
    let laps = Laps()
    laps.start()
    let parts = [.preprocess, .stem] + (0..<20).flatMap { _ in [Part.select, .load, .expert] }
    for part in parts { laps.end(part) }
    #expect((0..<laps.count).map(laps.part) == parts)
    let found = laps.timings()
    let sums = Dictionary(grouping: parts.indices, by: laps.part).mapValues { places in
      places.map(laps.duration).reduce(.zero, +)
    }
    #expect(
      sums == [
        .preprocess: found.preprocess, .stem: found.stem, .select: found.select, .load: found.load,
        .expert: found.expert,
      ])
    #expect(found.total >= sums.values.reduce(.zero, +))
  }

  @Test func theNextInferenceStartsAgain() {
    let laps = Laps()
    laps.start()
    laps.end(.stem)
    laps.start()
    #expect(laps.count == 0)
    #expect(laps.timings().stem == .zero)
  }
}
