import MVMoEBench
import Testing

@testable import DemoLogic

@Suite struct SubjectFiguresTests {
  private var figures = SubjectFigures("dispatcher coreml")

  @Test mutating func answersGiveAMedianAndACurveInMilliseconds() {
    for time in [3_000_000, 1_000_000, 2_000_000] { figures.answered(time) }
    let now = figures.snapshot
    #expect(now.answers == 3)
    #expect(now.median == 2_000_000)
    #expect(now.latency.map(\.x) == [0, 1, 2])
    #expect(now.latency.map(\.middle) == [3, 1, 2])
  }

  @Test mutating func thePeakIsTheLargestThatWasSeen() {
    figures.held(added: 5, peak: 40)
    #expect(figures.snapshot.peakBytes == 40)
    figures.sustained(at: 1, median: 1, slowest: 1, status: nil, memory: 70)
    figures.sustained(at: 2, median: 1, slowest: 1, status: nil, memory: 60)
    #expect(figures.snapshot.peakBytes == 70)
    #expect(figures.snapshot.addedBytes == 5)
  }

  @Test mutating func aSystemThatDoesNotSayLeavesNoPeakAndNoHeat() throws {
    figures.held(added: 5, peak: nil)
    figures.sustained(at: 60_000_000_000, median: 2_000_000, slowest: 9_000_000, status: nil, memory: nil)
    #expect(figures.snapshot.peakBytes == nil)
    let sustained = try #require(figures.snapshot.sustained)
    #expect(sustained.heat.isEmpty)
    #expect(sustained.curve == [CurvePoint(x: 1, low: 2, middle: 2, high: 9)])
  }

  @Test mutating func theBeginningAndTheEndOfAnswersWithoutAPauseAreToldApart() throws {
    figures.sustained(at: 5, median: 100, slowest: 300, status: Thermal.Status.none, memory: nil)
    figures.sustained(at: 10, median: 120, slowest: 400, status: .light, memory: nil)
    figures.sustained(at: 15, median: 150, slowest: 900, status: .light, memory: nil)
    let sustained = try #require(figures.snapshot.sustained)
    #expect([sustained.firstMedian, sustained.lastMedian, sustained.last] == [100, 150, 15])
    #expect(sustained.heat.map(\.status) == [.none, .light])
  }
}

@Suite struct HeatTimelineTests {
  private var heat = HeatTimeline()

  @Test mutating func looksThatSayTheSameAreOneStretch() {
    for (at, status) in [(5, Thermal.Status.none), (10, .none), (15, .light), (20, .none)] { heat.add(at, status) }
    #expect(heat.stretches.map { "\($0.status) \($0.from)-\($0.to)" } == ["none 0-10", "light 10-15", "none 15-20"])
  }

  @Test mutating func whatIsHotterHasAHigherLevelAndTheHottestAllTheSameOne() {
    for (at, status) in [Thermal.Status.none, .light, .moderate, .severe, .critical].enumerated() {
      heat.add(at + 1, status)
    }
    let levels = heat.stretches.map(\.level)
    #expect(levels == levels.sorted())
    #expect([levels[0], levels[3], levels[4]] == [0, 1, 1])
  }

  @Test mutating func aPhoneThatDoesNotSayHasNoStretches() {
    heat.add(5, nil)
    #expect(heat.stretches.isEmpty)
  }

  @Test func everyHeatOfIOSHasAWordOfResultsOfItsOwn() {
    #expect(Heat.allCases.map { Heat($0.status) } == Heat.allCases)
    #expect(Heat(.moderate) == nil)
  }
}
