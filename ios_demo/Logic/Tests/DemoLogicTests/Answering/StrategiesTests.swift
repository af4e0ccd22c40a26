import MVMoE
import Testing

@testable import DemoLogic

/// The cards of models of other kinds than the demo's, over the small bundles.
@Suite @MainActor struct StrategiesTests {
  private func answered(_ bundle: String) async throws -> Demo {
    let demo = try await Demo.opened(own: RepositoryFiles.bundle(bundle))
    demo.draw("3")
    try await demo.untilAnswered()
    return demo
  }

  @Test(arguments: ["dispatch", "experts", "bind", "in_graph", "two_stages"])
  func everyStrategyIsExplained(_ bundle: String) async throws {
    let demo = try await answered(bundle)
    let explanation = try #require(demo.trying.explanation)
    #expect(explanation.parts.reduce(.zero) { $0 + $1.duration } == explanation.total)
    #expect(demo.trying.decisions.count == demo.store.model?.routed.bundle.manifest.rules.count)
    for card in demo.trying.decisions { #expect(card.experts.contains(where: { $0.isChosen })) }
    await demo.end()
  }

  @Test func eachStageHasItsCardAndItsNameInTheWay() async throws {
    let demo = try await answered("two_stages")
    #expect(demo.trying.decisions.count == 2)
    let stages = try #require(demo.trying.explanation).stages.map(\.stage)
    for (card, stage) in zip(demo.trying.decisions, stages) {
      #expect(card.rule.hasPrefix("\(stage): The router's rule"))
    }
    #expect(try #require(demo.trying.answer.more).contains(/experts [0-9], [0-9], then experts [0-9], [0-9]/))
    await demo.end()
  }

  @Test func withoutATargetOfAllExpertsThereIsNothingToCompare() async throws {
    let demo = try await answered("dispatch")
    #expect(demo.trying.explanation?.comparison == nil)
    let comparison = try #require(demo.trying.comparison)
    #expect(comparison.rows.isEmpty)
    #expect(comparison.sentence.contains("nothing to compare with"))
    await demo.end()
  }

  @Test func boxesAndMasksAreMarksOverThePhotoAndOtherOutputsHaveALineEach() async throws {
    let demo = try await Demo.opened(own: RepositoryFiles.manyOutputs)
    demo.trying.choose(.photo)
    var bytes: [UInt8] = []
    for place in 0..<400 * 300 {
      bytes += [UInt8(place % 251), UInt8(place / 400 % 241), UInt8(place % 13 * 19), 255]
    }
    demo.pick(.rgba(bytes, width: 400, height: 300))
    try await demo.untilAnswered()
    let marks = try #require(demo.trying.explanation).marks
    #expect(!marks.boxes.isEmpty && marks.boxes.allSatisfy { $0.score >= 0.25 })
    #expect(marks.boxes.allSatisfy { $0.box.left >= 0 && $0.box.right <= 400 && $0.box.bottom <= 300 })
    #expect(try #require(marks.boxes.first).text.contains(/^.+ [0-9]+ %$/))
    let mask = try #require(marks.masks.first)
    #expect(marks.masks.count == 1 && (mask.width, mask.height) == (256, 192))
    #expect(mask.classes.count == 256 * 192 && mask.classes.contains { $0 != nil })
    #expect(mask.classes.allSatisfy { $0.map((0...2).contains) ?? true })
    let lines = demo.trying.outputLines
    #expect(
      lines.map { $0.prefix { $0 != ":" } } == ["boxes (boxes)", "mask (mask)", "depth (map)", "vector (embedding)"])
    #expect(lines[2].contains(" × "))
    // The picture is smaller than the photo no more than a screen needs.
    #expect(demo.trying.photo?.scale == 1)
    await demo.end()
  }

  @Test func theBoxesOfARoutedDetectorAreMarksAndEachOfItsStagesHasACard() async throws {
    let demo = try await Demo.opened(own: RepositoryFiles.detector)
    demo.trying.choose(.photo)
    var bytes: [UInt8] = []
    for place in 0..<400 * 300 {
      bytes += [UInt8(place % 251), UInt8(place / 400 % 241), UInt8(place % 13 * 19), 255]
    }
    demo.pick(.rgba(bytes, width: 400, height: 300))
    try await demo.untilAnswered()
    #expect(demo.trying.decisions.count == 3)
    let marks = try #require(demo.trying.explanation).marks
    let classes = ["circle", "square", "triangle", "star", "cross"]
    #expect(!marks.boxes.isEmpty && marks.boxes.allSatisfy { $0.score >= 0.25 && classes.contains($0.label) })
    #expect(marks.boxes.allSatisfy { $0.box.left >= 0 && $0.box.right <= 400 && $0.box.bottom <= 300 })
    #expect(marks.masks.isEmpty)
    #expect(demo.trying.outputLines.map { $0.prefix { $0 != ":" } } == ["found (boxes)"])
    await demo.end()
  }
}
