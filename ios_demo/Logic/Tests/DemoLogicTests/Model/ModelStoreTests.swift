import Foundation
import MVMoE
import Testing

@testable import DemoLogic

@Suite(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
@MainActor
struct ModelStoreTests {
  @Test func theAppsOwnBundleIsOpenedWithTheTargetOfAllExpertsBesideIt() async throws {
    let demo = try Demo()
    #expect(demo.store.card.title == "mvmoe demo")
    #expect(demo.store.card.subtitle == "No model is open. Pick the folder of a bundle.")
    demo.store.start()
    #expect(demo.store.card.isOpening && demo.store.card.subtitle == "Opening the model…")
    try await demo.untilOpen()
    let model = try #require(demo.store.model)
    #expect(model.routed.target.strategy == "dispatch")
    #expect(model.allExperts?.target.strategy == "all-experts")
    #expect(model.withoutAllExperts == nil)
    #expect(demo.store.card.title == "Mobile V-MoE, digits")
    #expect(demo.store.card.subtitle.hasPrefix("onnx on ONNX Runtime "))
    #expect(demo.store.card.notices.isEmpty && !demo.store.card.isOpening)
    // The golden images took all routes; a user's image loads what it needs.
    #expect(await model.routed.resident.isEmpty)
    await demo.end()
  }

  @Test func anEngineThatThePhoneLacksIsOneSentence() async throws {
    let demo = try Demo(EngineChoices(.missing, .onnx))
    demo.store.start()
    try await until("the bundle is refused") { demo.store.error != nil }
    #expect(demo.store.error == "the engine does not exist here")
    #expect(demo.store.model == nil && !demo.store.isOpening)
    demo.store.use(.onnx)
    try await demo.untilOpen()
    await demo.end()
  }

  /// A package that the Neural Engine refuses.
  @Test func anEngineThatDoesNotLoadAGraphIsItsOwnSentenceAndWhatWasOpenStaysOpen() async throws {
    let script = Script()
    await script.refuse(MVMoEError(.engineLoadFailed, "Core ML does not load graph stem: the Neural Engine refuses it"))
    let demo = try await Demo.opened(EngineChoices(.onnx, .scripted(script)))
    let before = demo.store.model
    demo.store.use(demo.store.engines.all[1])
    try await until("the engine is refused") { demo.store.error != nil }
    #expect(demo.store.error == "Core ML does not load graph stem: the Neural Engine refuses it")
    #expect(demo.store.model === before && demo.store.engine.id == "onnx")
    demo.draw("9")
    try await demo.untilAnswered()
    #expect(demo.trying.answer.label == "9")
    await demo.end()
  }

  /// A Neural Engine that is cold has given zeros.
  @Test func anEngineThatAnswersWronglyIsRefusedWithTheFigures() async throws {
    let demo = try await Demo.opened(EngineChoices(.onnx, .scripted(Script(isWrong: true))))
    demo.store.use(demo.store.engines.all[1])
    try await until("the engine is refused") { demo.store.error != nil }
    let sentence = try #require(demo.store.error)
    #expect(sentence.hasPrefix("the engine does not answer as the bundle's golden vectors"))
    #expect(sentence.contains(/off by [0-9.e+-]+ of the largest \(bound/))
    #expect(demo.store.model?.engine.id == "onnx")
    await demo.end()
  }

  @Test func ofBundlesThatAreOpenedAtOnceTheLastOneStays() async throws {
    let demo = try Demo()
    demo.store.openOwn()
    demo.store.openPicked(RepositoryFiles.bundle("two_stages"))
    demo.store.openOwn()
    demo.store.openPicked(RepositoryFiles.bundle("dispatch"))
    try await demo.untilOpen()
    #expect(demo.store.model?.routed.target.graphs.count == 4)
    await demo.end()
  }

  @Test func anotherEngineIsRememberedWithTheBundle() async throws {
    let engines = EngineChoices(.onnx, .scripted(Script()))
    let demo = try await Demo.opened(engines)
    demo.store.use(engines.all[1])
    try await until("it is open") { demo.store.model?.engine.id == "scripted" }
    await demo.end()
    let later = try Demo(engines, in: demo.folder)
    #expect(later.store.engine.id == "scripted")
    later.store.start()
    try await later.untilOpen()
    #expect(later.store.model?.engine.id == "scripted")
    await later.end()
    // An app of a later release may lack it.
    #expect(try Demo(in: demo.folder).store.engine.id == "onnx")
  }

  @Test func anAppWithoutABundleOfItsOwnAsksForOne() async throws {
    let demo = try Demo(own: nil)
    demo.store.start()
    try await until("there is a sentence") { demo.store.error != nil }
    #expect(try #require(demo.store.error).contains("pick the folder of a bundle"))
    demo.store.openPicked(RepositoryFiles.digits)
    try await demo.untilOpen()
    await demo.end()
  }

  /// An engine may end the process, the next time too.
  @Test func whatTheAppHasEndedWithIsNotOpenedAgainByItself() async throws {
    let script = Script()
    await script.hold()
    let demo = try Demo(EngineChoices(.scripted(script)))
    demo.store.start()
    try await until("a graph is being loaded") { await script.loads > 0 }
    let later = try Demo(EngineChoices(.onnx), in: demo.folder)
    later.store.start()
    #expect(later.store.error?.hasPrefix("The app ended while it opened digits.mvmoe on the scripted engine") == true)
    #expect(!later.store.isOpening)
    later.store.openOwn()
    try await later.untilOpen()
    await later.end()
    #expect(ChoiceFile(directory: demo.folder.file("mvmoe")).choice.opening == nil)
    await script.release()
    await demo.end()
  }

  @Test func memoryThatTheSystemAsksForIsReleased() async throws {
    let demo = try await Demo.opened()
    let model = try #require(demo.store.model)
    demo.draw("3")
    try await demo.untilAnswered()
    #expect(await model.routed.resident.count == 1)
    demo.surroundings.warnOfMemory()
    try await until("nothing is in memory") { await model.routed.resident.isEmpty }
    try await until("the log says so") { model.experts.events.first?.change == .released }
    await demo.end()
  }

  @Test func lowPowerModeAndHeatAreSaidAsTheyCome() async throws {
    let demo = try await Demo.opened()
    demo.surroundings.change { $0.isLowPowerMode = true }
    #expect(demo.store.card.notices == Conditions(isLowPowerMode: true).notices)
    demo.surroundings.change { $0.heat = .critical }
    #expect(demo.store.card.notices.count == 2)
    demo.draw("0")
    try await demo.untilAnswered()
    demo.surroundings.change { $0 = Conditions() }
    #expect(demo.store.card.notices.isEmpty)
    await demo.end()
  }

  @Test func nothingNativeIsLeftOfAModelThatWasReplaced() async throws {
    let demo = try await Demo.opened()
    weak var first = demo.store.model
    let routed = try #require(demo.store.model?.routed)
    demo.store.openPicked(RepositoryFiles.bundle("dispatch"))
    try await until("another one is open") { demo.store.model?.folder != routed.bundle.root && !demo.store.isOpening }
    try await until("the first is closed") {
      do {
        _ = try await routed.predict(Images.photo(8, 8))
        return false
      } catch { return (error as? MVMoEError)?.code == .dispatcherClosed }
    }
    try await until("the first is gone") { first == nil }
    await demo.end()
  }
}
