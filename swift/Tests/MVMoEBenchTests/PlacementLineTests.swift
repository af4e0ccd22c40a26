import MVMoE
import Testing

@testable import MVMoEBench

@Suite("What is written of where an engine runs a graph")
struct PlacementLineTests {
  private func text(_ placement: GraphPlacement) throws -> String {
    try PlacementLine(job: "placement", subject: "dispatcher coreml", graph: "stem", placement: placement).plain.json()
  }

  @Test func sharesOfTheCostAreWrittenWhereTheEngineEstimatesThem() throws {
    let placement = GraphPlacement(
      byUnit: ["neural_engine": 40, "cpu": 2], outside: ["gather": 2], shares: ["neural_engine": 0.75, "cpu": 0.25])
    #expect(
      try text(placement) == #"{"kind":"placement","job":"placement","subject":"dispatcher coreml","graph":"stem","#
        + #""by_unit":{"cpu":2,"neural_engine":40},"cost_by_unit":{"cpu":0.25,"neural_engine":0.75},"#
        + #""outside":{"gather":2}}"#)
  }

  @Test func anEngineThatEstimatesNothingHasNoCost() throws {
    #expect(try text(GraphPlacement(byUnit: ["CPU": 1], outside: [:])).contains(#""cost_by_unit":null,"#))
  }
}
