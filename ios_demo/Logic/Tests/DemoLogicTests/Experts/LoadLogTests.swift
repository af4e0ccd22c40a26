import Foundation
import MVMoE
import Testing

@testable import DemoLogic

@Suite struct LoadLogTests {
  /// What a log is told, one after the other.
  private struct Told {
    var log = LoadLog(most: 3)
    var date: TimeInterval = 1000
    var times: [String: Duration] = [:]

    mutating func see(_ graph: LoadState, took: Duration? = nil) {
      if let took { times["e0"] = took }
      log.see(["other": .unloaded, "e0": graph], times: times, Date(timeIntervalSince1970: date))
    }
  }

  @Test func aLoadHasItsTime() {
    var told = Told()
    told.see(.unloaded)
    told.see(.loading)
    told.date = 1001
    told.see(.ready, took: .milliseconds(42))
    told.see(.ready)
    let event = LoadEvent(at: Date(timeIntervalSince1970: 1001), graph: "e0", change: .loaded, took: .milliseconds(42))
    #expect(told.log.events == [event])
    #expect(told.log.lastLoads == ["e0": .milliseconds(42)])
  }

  @Test func whatWasLoadedWhenTheLogBeginsIsNoEvent() {
    var told = Told()
    told.see(.ready, took: .milliseconds(1))
    told.see(.ready)
    #expect(told.log.events.isEmpty && told.log.lastLoads.isEmpty)
  }

  @Test func aReleaseAndAFailureAreEventsWithoutATime() {
    var told = Told()
    told.see(.ready)
    told.see(.unloaded)
    told.see(.loading)
    told.see(.failed)
    told.see(.failed)
    told.see(.loading)
    told.see(.failed)
    #expect(told.log.events.map(\.change) == [.failed, .failed, .released])
    #expect(told.log.events.first?.took == nil)
  }

  @Test func aLoadThatIsGivenUpIsNoEvent() {
    var told = Told()
    told.see(.unloaded)
    told.see(.loading)
    told.see(.unloaded)
    #expect(told.log.events.isEmpty)
  }

  /// The log looks when it can; what came and went meanwhile has left its time.
  @Test(arguments: [LoadState.unloaded, .loading, .ready])
  func aLoadThatNobodyHasSeenIsAnEventOnce(_ found: LoadState) {
    var told = Told()
    told.see(.unloaded)
    told.see(found, took: .milliseconds(3))
    told.see(.ready)
    #expect(told.log.events.map(\.took) == [.milliseconds(3)])
    told.see(.unloaded)
    #expect(told.log.events.map(\.change) == [.released, .loaded])
  }

  @Test func whatWasReleasedAndLoadedAgainMeanwhileIsBoth() {
    var told = Told()
    told.see(.ready, took: .milliseconds(1))
    told.see(.ready, took: .milliseconds(2))
    #expect(told.log.events.map(\.change) == [.loaded, .released])
  }

  @Test func theNewestEventsAreKept() {
    var told = Told()
    told.see(.unloaded)
    for second in 0..<5 {
      told.date = TimeInterval(second)
      told.see(.ready)
      told.see(.unloaded)
    }
    #expect(told.log.events.map(\.at.timeIntervalSince1970) == [4, 4, 3])
  }
}
