import Foundation
import MVMoE
import Testing

@testable import DemoLogic

/// Strokes of a finger, and what the screen says of them, over the demo's bundle.
@Suite(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
@MainActor
struct TryModelTests {
  @Test func digitsThatAreDrawnAreAnswered() async throws {
    let demo = try await Demo.opened()
    for digit in HandDrawn.digits.keys.sorted() {
      for stroke in HandDrawn.digit(digit).strokes { demo.trying.draw(stroke) }
      try await until("\(digit) is answered") {
        !demo.trying.isAnswering && demo.trying.explanation != nil
      }
      #expect(demo.trying.answer.label == digit)
      demo.trying.act()
      #expect(demo.trying.answer.label.isEmpty && demo.trying.explanation == nil)
      #expect(demo.trying.answer.more == "Draw, and the answer appears here.")
      #expect(demo.trying.decisions.isEmpty && demo.trying.times == nil && demo.trying.comparison == nil)
    }
    await demo.end()
  }

  @Test func aDrawingWaitsForTheModel() async throws {
    let demo = try Demo()
    demo.draw("0")
    #expect(demo.trying.isAnswering && demo.trying.answer.more == "Answering…")
    try await Task.sleep(for: .milliseconds(20))
    #expect(demo.trying.explanation == nil && demo.trying.error == nil)
    demo.store.start()
    try await demo.untilAnswered()
    #expect(demo.trying.answer.label == "0")
    #expect(demo.trying.drawnImage?.levels.count == 64)
    #expect(!demo.trying.isAnswering)
    await demo.end()
  }

  @Test func anAnswerSaysHowItCameAbout() async throws {
    let demo = try await Demo.opened()
    demo.draw("6")
    try await demo.untilAnswered()
    let explanation = try #require(demo.trying.explanation)
    #expect(explanation.top.count == 3)
    let stage = try #require(explanation.stages.first)
    #expect(explanation.stages.count == 1)
    #expect(stage.experts.filter(\.isChosen).map(\.expert) == stage.route.experts)
    #expect(stage.experts.max { $0.score < $1.score }?.expert == stage.route.first)
    #expect(explanation.parts.map(\.work) == Work.allCases)
    #expect(explanation.parts.reduce(.zero) { $0 + $1.duration } == explanation.total)
    let comparison = try #require(explanation.comparison)
    #expect(comparison.isSameAnswer && comparison.top?.label == "6" && comparison.runs == 5)
    #expect(comparison.routed > .zero && comparison.allExperts > .zero)
    #expect(explanation.others.isEmpty && explanation.marks.boxes.isEmpty && explanation.marks.masks.isEmpty)
    await demo.end()
  }

  @Test func theScreenSaysWhichExpertWhyWhereTheTimeWentAndWhatAllExpertsCost() async throws {
    let demo = try await Demo.opened()
    demo.draw("3")
    try await demo.untilAnswered()
    let card = try #require(demo.trying.decisions.first)
    #expect(card.experts.count == 4 && demo.trying.decisions.count == 1)
    let chosen = try #require(card.experts.first { $0.isChosen })
    #expect(card.experts.count(where: { $0.isChosen }) == 1)
    #expect(chosen.name == "✓ Expert \(chosen.id)")
    #expect(chosen.spoken.contains(/Expert [0-9], chosen: score [0-9.]+ %, logit -?[0-9.]+/))
    #expect(card.rule == "The router's rule: top 1 of 4 experts. This image took expert \(chosen.id).")
    #expect(try #require(card.more).contains(/every logit changes by less than [0-9.]+\.$/))
    #expect(demo.trying.answer.more?.hasPrefix("expert \(chosen.id)\nin ") == true)
    #expect(try #require(demo.trying.answer.spoken).contains(/^3, [0-9.]+ %, by expert [0-9]$/))
    let times = try #require(demo.trying.times)
    #expect(times.parts.count == 6 && abs(times.parts.reduce(0) { $0 + $1.share } - 1) < 1e-9)
    #expect(times.spoken.hasPrefix("In all \(times.total): Image to input \(times.parts[0].time), Stem, what every"))
    let comparison = try #require(demo.trying.comparison)
    #expect(comparison.rows.map(\.name) == ["Routed", "All experts"])
    #expect(comparison.rows.map(\.share).max() == 1)
    #expect(comparison.sentence.contains(/the same answer and takes [0-9.]+ times as long\. Median of 5 predictions/))
    #expect(demo.trying.outputLines.isEmpty)
    await demo.end()
  }

  @Test func whatIsSeenIsSaid() async throws {
    let demo = try await Demo.opened()
    #expect(demo.trying.image.spoken.hasPrefix("Empty canvas"))
    #expect(demo.trying.image.hint == "Draw a digit here")
    #expect(!demo.trying.image.isActionEnabled)
    demo.draw("5")
    try await demo.untilAnswered()
    #expect(demo.trying.image.spoken == "Canvas with 2 strokes")
    #expect(demo.trying.image.hint == nil && demo.trying.image.isActionEnabled)
    #expect(demo.trying.image.inputText == "The model sees 8 × 8 pixels")
    demo.draw("0")
    #expect(demo.trying.image.spoken == "Canvas with 1 stroke")
    await demo.end()
  }

  @Test func aNewModelAnswersTheSameDrawingAgain() async throws {
    let demo = try await Demo.opened(EngineChoices(.onnx, .scripted(Script())))
    demo.draw("2")
    try await demo.untilAnswered()
    let first = demo.store.model
    demo.store.use(demo.store.engines.all[1])
    try await until("another model is open") { demo.store.model !== first }
    #expect(demo.trying.explanation == nil || demo.trying.isAnswering)
    try await until("it is answered again") { !demo.trying.isAnswering }
    #expect(demo.trying.answer.label == "2")
    await demo.end()
  }

  @Test func whatAnotherSourceSaysIsNotShown() throws {
    let demo = try Demo()
    demo.trying.fail(.photo, "no photo")
    #expect(demo.trying.error == nil)
    demo.trying.choose(.photo)
    demo.trying.fail(.photo, "no photo")
    #expect(demo.trying.error == "no photo" && demo.trying.image.error == "no photo")
    #expect(demo.trying.answer.more == nil)
    demo.trying.choose(.draw)
    #expect(demo.trying.error == nil)
  }

  /// The system has ended the app, and its scene comes back.
  @Test func anAppThatTheSystemHasEndedGoesOnWithTheDrawing() async throws {
    let demo = try await Demo.opened()
    demo.draw("6")
    let saved = demo.trying.saved
    await demo.end()
    let later = try Demo(in: demo.folder)
    later.trying.restore(saved) { _, _ in Images.photo(1, 1) }
    later.store.start()
    try await later.untilAnswered()
    #expect(later.trying.answer.label == "6")
    await later.end()
  }

  @Test(arguments: ["", "{", "{\"source\":\"film\",\"drawing\":{\"strokes\":[]}}", "[]"])
  func whatNobodySavedIsPassedOver(_ saved: String) throws {
    let demo = try Demo()
    demo.trying.restore(saved) { _, _ in Images.photo(1, 1) }
    #expect(demo.trying.source == .draw && demo.trying.drawing.isEmpty)
  }

  @Test func whatWasDrawnSinceIsNotReplacedByWhatWasSaved() throws {
    let demo = try Demo()
    let saved = demo.trying.saved
    demo.draw("5")
    #expect(demo.trying.saved != saved && demo.trying.saved == demo.trying.saved)
    demo.trying.restore(saved) { _, _ in Images.photo(1, 1) }
    #expect(demo.trying.drawing == HandDrawn.digit("5"))
  }

  @Test func aScoreThatIsNoShareIsANumberToo() {
    let box = Box(left: 0, top: 0, right: 1, bottom: 1)
    let texts = [0.934, 1e30, .infinity, .nan].map { MarkedBox(box: box, label: "cat", index: 0, score: $0).text }
    #expect(texts[0] == "cat 93 %" && texts.allSatisfy { $0.hasPrefix("cat ") })
  }

  @Test func aSavedPlaceBesideTheCanvasIsMovedToIt() throws {
    let demo = try Demo()
    let saved = "{\"source\":\"draw\",\"drawing\":{\"strokes\":[[{\"x\":1e30,\"y\":-4}],[]]}}"
    demo.trying.restore(saved) { _, _ in Images.photo(1, 1) }
    #expect(demo.trying.drawing == Drawing([[Point(x: 1, y: 0)]]))
  }
}
