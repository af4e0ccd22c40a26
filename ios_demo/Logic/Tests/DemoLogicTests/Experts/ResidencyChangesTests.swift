import MVMoE
import Testing

@testable import DemoLogic

@Suite struct ResidencyChangesTests {
  private let before = Residency(maxExperts: 2, maxBytes: 100, pin: [.expert(1)])

  @Test func aPinComesAndGoesAndTheRestStays() {
    let pinned = before.with(.expert(3), isPinned: true)
    #expect(pinned == Residency(maxExperts: 2, maxBytes: 100, pin: [.expert(1), .expert(3)]))
    #expect(pinned.with(.expert(1), isPinned: false).pin == [.expert(3)])
  }

  @Test func pinningTwiceIsPinningOnce() {
    #expect(before.with(.expert(1), isPinned: true).pin == [.expert(1)])
  }

  @Test func limitsChangeAlone() {
    #expect(before.with(maxExperts: nil) == Residency(maxBytes: 100, pin: [.expert(1)]))
    #expect(before.with(maxBytes: 7) == Residency(maxExperts: 2, maxBytes: 7, pin: [.expert(1)]))
  }
}
