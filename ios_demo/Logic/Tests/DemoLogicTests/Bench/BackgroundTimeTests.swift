import Testing

@testable import DemoLogic

@Suite struct BackgroundTimeTests {
  private var background = BackgroundTime()
  private var now = ContinuousClock.now

  private mutating func leave(for seconds: Int) {
    background.leave(now)
    now += .seconds(seconds)
    background.comeBack(now)
  }

  @Test mutating func aGlanceAtAMessageWasNotInTheBackground() {
    leave(for: 1)
    #expect(background.seconds(now) == 0)
  }

  @Test mutating func timesAddUpAndOneThatGoesOnCounts() {
    leave(for: 3)
    now += .seconds(100)
    leave(for: 4)
    #expect(background.seconds(now) == 7)
    background.leave(now)
    now += .seconds(10)
    #expect(background.seconds(now) == 17)
  }

  @Test mutating func aNewRunCountsFromItsBeginning() {
    leave(for: 5)
    background.reset(now)
    #expect(background.seconds(now) == 0)
    background.leave(now)
    now += .seconds(8)
    background.reset(now)
    now += .seconds(3)
    #expect(background.seconds(now) == 3)
  }
}
