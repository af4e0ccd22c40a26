import MVMoE
import Testing

@testable import DemoLogic

@Suite struct BudgetScaleTests {
  private func expert(_ number: Int, _ stage: String, _ bytes: Int) -> Expert {
    Expert(
      id: "\(stage)\(number)", stage: stage, route: [number], bytes: bytes, ownBytes: bytes, pin: .expert(number))
  }

  private var experts: [Expert] { [expert(0, "a", 10), expert(1, "a", 30), expert(2, "a", 20), expert(0, "b", 0)] }

  @Test func placesAreLimitsAndTheLastOneIsNone() {
    let scale = BudgetScale.ofExperts(experts)
    #expect((0...scale.last).map(scale.limit) == [1, 2, nil])
    #expect(scale.place(2) == 1)
    #expect(scale.place(nil) == scale.last)
    #expect(scale.place(9) == scale.last)
  }

  @Test func bytesHaveRoomForOneExpertMoreAtEachPlace() {
    let scale = BudgetScale.ofBytes(experts)
    #expect((0...scale.last).map(scale.limit) == [30, 50, 60, nil])
    #expect(scale.place(31) == 1)
  }

  @Test func withoutExpertsThereIsNothingToChoose() {
    #expect(BudgetScale.ofExperts([]).last == 0)
    #expect(BudgetScale.ofBytes([]).limit(0) == nil)
    #expect(BudgetScale.ofBytes([]).limit(-1) == nil)
  }

  @Test func sizesThatNoNumberHasDoNotOverflow() {
    let scale = BudgetScale.ofBytes([expert(0, "a", .max), expert(1, "a", .max), expert(2, "a", .max)])
    #expect((0...scale.last).map(scale.limit) == [.max, nil])
  }
}
