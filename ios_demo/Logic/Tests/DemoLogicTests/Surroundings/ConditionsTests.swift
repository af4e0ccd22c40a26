import Testing

@testable import DemoLogic

@Suite struct ConditionsTests {
  @Test func aPhoneThatIsAsItShouldBeNeedsNoWord() { #expect(Conditions().notices.isEmpty) }

  @Test func lowPowerModeAndHeatHaveASentenceEach() {
    let slow = Conditions(isLowPowerMode: true, heat: .serious)
    #expect(slow.notices.count == 2)
    #expect(slow.notices[0].contains("Low Power Mode"))
    #expect(slow.notices[1].contains("hot"))
    #expect(Set(Heat.allCases.map { Conditions(heat: $0).notices }).count == Heat.allCases.count)
  }
}
