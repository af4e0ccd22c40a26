import Foundation
import Testing

@testable import MVMoE

@Suite struct LogitsOutputTests {
  @Test func theBestClassesAreThoseOfTheReference() throws {
    let views = try OutputCases.views("logits", as: LogitsOutput.self)
    #expect(views.count >= 20)
    for (view, output) in views {
      let best = try view["best"].items().map { try $0.items() }
      let found = output.top()
      #expect(try found.map(\.index) == best.map { try $0[0].int() })
      #expect(try found.map(\.label) == best.map { try $0[1].text() })
      // Another `exp` and another order of summation.
      for (wanted, each) in zip(best, found) { #expect(try abs(wanted[2].double() - each.probability) <= 1e-14) }
      #expect(output.best == found.first)
    }
  }

  @Test func probabilitiesByHand() throws {
    let output = try logits([0, log(3), 0], labels: ["a", "b", "c"])
    #expect(output.best.label == "b")
    #expect(abs(output.best.probability - 0.6) <= 1e-7)
    #expect(output.top(2).map(\.label) == ["b", "a"])
    #expect(output.top(7).count == 3)
    #expect(output.top(0).isEmpty && output.top(-1).isEmpty)
    #expect(abs(output.probabilities().reduce(0, +) - 1) <= 1e-15)
  }

  @Test func logitsThatOverflowAsPowersHaveProbabilitiesAndOfEqualOnesTheLowestIsTheBest() throws {
    let output = try logits([-3e38, 3e38, 3e38])
    #expect(output.best == ClassProbability(index: 1, label: "1", probability: 0.5))
    #expect("\(output.best)" == "1 0.5")
  }

  @Test func aClassWithoutALabelIsCalledByItsNumber() throws {
    let output = try logits([0, 1])
    #expect(output.labels == nil)
    #expect(output.label(1) == "1")
    #expect("\(output)" == "found (logits [2])")
    #expect(try logits([0, 1], labels: ["a"]).label(-1) == "-1")
  }

  private func logits(_ values: [Float], labels: [String]? = nil) throws -> LogitsOutput {
    try output("logits", [values.count], values, labels: labels, as: LogitsOutput.self)
  }
}
