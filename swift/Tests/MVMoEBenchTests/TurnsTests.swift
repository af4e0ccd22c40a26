import Testing

@testable import MVMoEBench

/// Whose turn it is.
@Suite struct TurnsTests {
  @Test func overTheRoundsEachStandsEquallyOftenAtEachPlace() {
    let items = ["a", "b", "c"]
    let orders: [String] = (-1..<4).map { items.rotated($0).joined() }
    #expect(orders == ["cab", "abc", "bca", "cab", "abc"])
    #expect([Int]().rotated(3).isEmpty)
    let turns: [String] = (-2..<3).map { items.inTurn($0) }
    #expect(turns == ["b", "c", "a", "b", "c"])
  }

  @Test(arguments: [(0, 4, 4), (2, 4, 4), (2, 0, 0)])
  func thereAreAsManyRoundsAsQueriesAfterTheWarmUp(warmup: Int, queries: Int, expected: Int) {
    var rounds = Rounds(preset(warmup: warmup), queries: queries)
    var found: [Int] = []
    while let number = rounds.next() { found.append(number) }
    let wanted: [Int] = queries == 0 ? [] : Array(-warmup..<expected)
    #expect(found == wanted)
  }

  @Test func moreRoundsFollowUntilTheSecondsHavePassed() {
    var rounds = Rounds(preset(seconds: 0.02), queries: 1)
    var count = 0
    let start = MonotonicClock.nanoseconds()
    while rounds.next() != nil { count += 1 }
    #expect(count > 1)
    #expect(MonotonicClock.seconds(since: start) >= 0.02)
  }

  @Test func oneRoundIsThereHoweverLittleTimeThereIs() {
    var rounds = Rounds(preset(mostSeconds: 0), queries: 1000)
    #expect(rounds.next() == 0)
    #expect(rounds.next() == nil)
  }

  private func preset(warmup: Int = 0, seconds: Double = 0, mostSeconds: Double = 20) -> Preset {
    Preset(
      name: "x", repeats: 1, queries: 1, seconds: seconds, mostSeconds: mostSeconds, warmup: warmup, starts: 0,
      stream: 0,
      cooldown: 0)
  }
}
