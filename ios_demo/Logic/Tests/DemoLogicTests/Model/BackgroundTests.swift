import Foundation
import MVMoE
import Testing

@testable import DemoLogic

/// The app is sent to the background while it loads or answers.
@Suite(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
@MainActor
struct BackgroundTests {
  private static let refused = MVMoEError(
    .engineRunFailed, "Core ML does not run graph stem: insufficient permission to submit GPU work from background")

  @Test func openingWithAGPUWaitsUntilTheAppIsOnTheScreenAgain() async throws {
    let script = Script()
    await script.hold()
    let demo = try Demo(EngineChoices(.scripted(script, usesGPU: true)))
    demo.store.start()
    try await until("a graph is being loaded") { await script.loads > 0 }
    demo.surroundings.leaveScreen()
    #expect(demo.store.isOpening && demo.store.error == nil)
    #expect(try #require(demo.store.waiting).contains("no app in the background use the GPU"))
    #expect(demo.store.card.notices == [demo.store.waiting])
    // The system ends it there: that says nothing of the engine.
    #expect(ChoiceFile(directory: demo.folder.file("mvmoe")).choice.opening == nil)
    await script.release()
    try await Task.sleep(for: .milliseconds(100))
    #expect(demo.store.model == nil)
    demo.surroundings.returnToScreen()
    #expect(demo.store.waiting == nil)
    try await demo.untilOpen()
    await demo.end()
  }

  @Test func openingWithoutAGPUGoesOnInTheBackground() async throws {
    let script = Script()
    await script.hold()
    let demo = try Demo(EngineChoices(.scripted(script)))
    demo.store.start()
    try await until("a graph is being loaded") { await script.loads > 0 }
    demo.surroundings.leaveScreen()
    #expect(demo.store.waiting == nil)
    await script.release()
    try await demo.untilOpen()
    await demo.end()
  }

  @Test func whatAnEngineFailsAtInTheBackgroundIsTriedAgainOnTheScreen() async throws {
    let script = Script()
    await script.hold()
    let demo = try Demo(EngineChoices(.scripted(script)))
    demo.store.start()
    try await until("a graph is being loaded") { await script.loads > 0 }
    demo.surroundings.leaveScreen()
    await script.refuse(Self.refused)
    await script.release()
    try await until("it waits") { demo.store.waiting != nil }
    #expect(demo.store.error == nil)
    await script.refuse(nil)
    demo.surroundings.returnToScreen()
    try await demo.untilOpen()
    await demo.end()
  }

  @Test func aBundleThatIsPickedInTheBackgroundIsOpenedOnTheScreen() async throws {
    let demo = try await Demo.opened(EngineChoices(.scripted(Script(), usesGPU: true)))
    demo.surroundings.leaveScreen()
    demo.store.openPicked(RepositoryFiles.bundle("dispatch"))
    #expect(demo.store.waiting != nil)
    demo.surroundings.returnToScreen()
    try await demo.untilOpen()
    #expect(demo.store.model?.routed.target.graphs.count == 4)
    await demo.end()
  }

  @Test func aBundleThatIsDamagedIsRefusedInTheBackgroundToo() async throws {
    let demo = try await Demo.opened()
    demo.surroundings.leaveScreen()
    demo.store.openPicked(demo.folder.file("nothing"))
    try await until("it is refused") { demo.store.error != nil }
    #expect(demo.store.waiting == nil)
    await demo.end()
  }

  /// An engine that was to use no GPU may have gone on with it.
  @Test(arguments: [true, false])
  func anAnswerThatNeedsTheGPUComesWhenTheAppIsOnTheScreenAgain(_ usesGPU: Bool) async throws {
    let script = Script()
    let demo = try await Demo.opened(EngineChoices(.scripted(script, usesGPU: usesGPU)))
    await script.hold()
    let before = await script.loads
    demo.draw("3")
    try await until("its expert is being loaded") { await script.loads > before }
    demo.surroundings.leaveScreen()
    await script.refuse(Self.refused)
    await script.release()
    try await until("it is said why") { demo.trying.error != nil }
    #expect(try #require(demo.trying.error).contains("it answers when it is on the screen again"))
    #expect(demo.trying.isAnswering && demo.trying.explanation == nil)
    await script.refuse(nil)
    demo.surroundings.returnToScreen()
    try await demo.untilAnswered()
    #expect(demo.trying.answer.label == "3" && demo.trying.error == nil)
    await demo.end()
  }

  @Test func whatIsDrawnInTheBackgroundIsAnsweredOnTheScreen() async throws {
    let script = Script()
    let demo = try await Demo.opened(EngineChoices(.scripted(script, usesGPU: true)))
    demo.surroundings.leaveScreen()
    demo.draw("3")
    try await until("it is said why") { demo.trying.error != nil }
    demo.surroundings.change { $0.heat = .fair }
    #expect(demo.trying.error != nil)
    demo.surroundings.returnToScreen()
    try await demo.untilAnswered()
    #expect(demo.trying.error == nil)
    await demo.end()
  }

  @Test func expertsAreReleasedInTheBackground() async throws {
    let demo = try await Demo.opened()
    let model = try #require(demo.store.model)
    demo.draw("3")
    try await demo.untilAnswered()
    demo.surroundings.leaveScreen()
    try await until("nothing is in memory") { await model.routed.resident.isEmpty }
    await demo.end()
  }
}
