import MVMoE
import Testing

@testable import DemoLogic

/// What the cards say of answers that no bundle of these tests gives.
@Suite @MainActor struct CardsTests {
  private func model(
    top: [Share] = [], stages: [RouterDecision] = [], comparison: Comparison? = nil, others: [OtherOutput] = []
  ) throws -> TryModel {
    let trying = try Demo().trying
    let parts = Work.allCases.map { TimePart(work: $0, duration: .zero) }
    trying.explanation = Explanation(
      top: top, stages: stages, parts: parts, total: .zero, comparison: comparison, others: others,
      marks: Marks(boxes: [], masks: []))
    return trying
  }

  @Test func aModelThatDoesNotClassifySaysSo() throws {
    let trying = try model(others: [OtherOutput(name: "depth", kind: "map", shape: [1, 8, 8], found: [])])
    #expect(trying.answer.label == "No class" && trying.answer.probability == nil)
    #expect(trying.answer.more == "This model does not classify; its outputs are below.")
    #expect(trying.outputLines == ["depth (map): shape 1 × 8 × 8"])
  }

  @Test func aModelWithoutARouterSaysSo() throws {
    let card = try #require(try model(top: [Share(label: "cat", share: 0.5)]).decisions.first)
    #expect(card.rule == "This model has no router: every image takes the same way.")
    #expect(card.experts.isEmpty && card.more == nil)
  }

  @Test func anotherAnswerOfAllExpertsIsNamed() throws {
    let comparison = Comparison(
      top: Share(label: "dog", share: 0.9), isSameAnswer: false, routed: .milliseconds(2), allExperts: .milliseconds(5),
      runs: 5)
    let card = try #require(try model(comparison: comparison).comparison)
    #expect(card.sentence.hasPrefix("Computing all experts gives another answer (dog) and takes 2.50 times as long."))
    #expect(card.rows.map(\.share) == [0.4, 1])
    #expect(card.rows.map(\.spoken) == ["Routed: 2.00 ms", "All experts: 5.00 ms"])
  }

  @Test func timesThatAreNothingHaveNoBar() throws {
    let comparison = Comparison(top: nil, isSameAnswer: true, routed: .zero, allExperts: .zero, runs: 5)
    let trying = try model(comparison: comparison)
    #expect(trying.times?.parts.allSatisfy { $0.share == 0 } == true)
    #expect(trying.comparison?.rows.allSatisfy { $0.share == 0 } == true)
  }

  @Test func ofManyExpertsTenAreShownAndTheOthersCounted() async throws {
    let rule = try #require(try ModelBundle.open(RepositoryFiles.bundle("dispatch")).manifest.rules.first)
    let logits = (0..<64).map { Float($0) / 8 }
    let decision = RouterDecision(stage: "step1", rule: rule, route: [63], logits: logits)
    let card = try #require(try model(stages: [decision]).decisions.first)
    #expect(card.experts.map(\.id) == Array(54...63))
    #expect(card.more?.hasPrefix("54 further experts have lower scores.") == true)
  }

  @Test func sourcesAndWorkHaveNamesOfTheirOwn() {
    #expect(Set(ImageSource.allCases.map(\.title)) == ["Draw", "Photo", "Camera"])
    #expect(Set(Work.allCases.map(\.title)).count == Work.allCases.count)
  }
}
