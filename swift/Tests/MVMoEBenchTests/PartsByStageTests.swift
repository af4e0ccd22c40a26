import MVMoE
import Testing

@testable import MVMoEBench

/// Where the time of an answer went, stage by stage.
@Suite struct PartsByStageTests {
  private let imposed: [Part] = [.select, .impose, .select]
  private let oneGraph: [Part] = [.load, .expert]

  /// Laps of these parts, each of which takes a while.
  private func laps(_ parts: [Part]) async throws -> Laps {
    let laps = Laps()
    laps.start()
    for part in parts {
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .microseconds(50) {}
      laps.end(part)
    }
    return laps
  }

  private func spent(_ laps: Laps, _ places: Int...) -> Int {
    places.reduce(0) { $0 + laps.duration($1).nanoseconds }
  }

  @Test func eachStageHasThePartsOfItsOwnGraphs() async throws {
    let laps = try await laps([.stem, .select] + oneGraph + [.select] + oneGraph + oneGraph)
    let parts = PartsByStage(laps, stages: 3)
    let found = parts.fields
    #expect(found.stem == spent(laps, 0))
    #expect(found.select == [spent(laps, 1), spent(laps, 4), 0])
    #expect(found.load == [spent(laps, 2), spent(laps, 5, 7), 0])
    #expect(found.expert == [spent(laps, 3), spent(laps, 6, 8), 0])
    #expect(parts.graphs.map(\.count) == [1, 2, 0])
    #expect(parts.graphs[1][1] == PartsByStage.GraphTime(load: spent(laps, 7), run: spent(laps, 8)))
  }

  @Test func whatItTookToImposeARouteIsNoPartOfAnAnswer() async throws {
    let laps = try await laps([.stem] + imposed + oneGraph + imposed + oneGraph)
    let found = PartsByStage(laps, stages: 2).fields
    #expect(found.select == [spent(laps, 1, 3), spent(laps, 6, 8)])
    let all = (0..<laps.count).reduce(0) { $0 + spent(laps, $1) }
    #expect(found.total - found.rest == all - spent(laps, 2, 7))
  }

  @Test func thePartsAndTheRestAreAllOfTheTime() async throws {
    let laps = try await laps([.stem, .select] + oneGraph)
    let found = PartsByStage(laps, stages: 1).fields
    #expect((1...laps.timings().total.nanoseconds).contains(found.total))
  }
}
