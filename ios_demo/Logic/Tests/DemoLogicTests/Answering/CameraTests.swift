import MVMoE
import Testing

@testable import DemoLogic

/// What the app makes of a camera.
@Suite(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
@MainActor
struct CameraTests {
  @Test func aUserWhoRefusesIsASentenceAndTheCameraStartsWhenHeAllowsIt() async throws {
    let demo = try Demo()
    demo.camera.answer = false
    demo.trying.choose(.camera)
    try await until("there is a sentence") { demo.trying.error != nil }
    #expect(try #require(demo.trying.error).contains("may not use the camera"))
    #expect(demo.trying.image.isActionShown && demo.trying.image.actionText == "Allow the camera")
    // The system does not ask twice: its settings are opened.
    #expect(demo.trying.image.action == .openSettings)
    demo.surroundings.leaveScreen()
    demo.camera.permission = .allowed
    demo.surroundings.returnToScreen()
    #expect(demo.camera.isOn && demo.camera.timesAsked == 1)
    #expect(demo.trying.error == nil && !demo.trying.image.isActionShown)
    #expect(demo.trying.answer.more == "The camera starts…")
  }

  @Test func drawingAndPhotosWorkWithoutACamera() async throws {
    let demo = try await Demo.opened()
    demo.camera.isThere = false
    demo.trying.choose(.camera)
    #expect(try #require(demo.trying.error).contains("no camera that the app can use"))
    demo.trying.choose(.draw)
    #expect(demo.trying.error == nil)
    demo.draw("3")
    try await demo.untilAnswered()
    await demo.end()
  }

  @Test func framesAreShownUprightAndAnsweredByTheRouteAlone() async throws {
    let demo = try await Demo.opened()
    demo.camera.permission = .allowed
    demo.trying.choose(.camera)
    demo.camera.give(Images.frame())
    try await demo.untilAnswered()
    #expect(demo.trying.frame.map { [$0.width, $0.height] } == [48, 64])
    #expect(demo.trying.explanation?.comparison == nil)
    #expect(demo.trying.comparison?.sentence == "Frames of the camera are answered by the route alone.")
    demo.trying.choose(.draw)
    #expect(!demo.camera.isOn && demo.trying.explanation == nil)
    // One that comes late is no news.
    demo.trying.frames.offer(Images.frame())
    try await Task.sleep(for: .milliseconds(50))
    #expect(demo.trying.explanation == nil)
    await demo.end()
  }

  @Test func framesThatComeMeanwhileAreDroppedButTheNewest() async throws {
    let script = Script()
    let demo = try await Demo.opened(EngineChoices(.scripted(script)))
    demo.camera.permission = .allowed
    demo.trying.choose(.camera)
    await script.hold()
    let before = await script.loads
    demo.camera.give(Images.frame())
    try await until("an expert is being loaded") { await script.loads > before }
    for width in [2, 4, 6, 8] { demo.camera.give(Images.frame(width, 2)) }
    await script.release()
    try await until("the newest frame is shown") { demo.trying.frame?.height == 8 }
    #expect(demo.trying.error == nil)
    await demo.end()
  }

  @Test func aCameraThatFailsIsASentenceAndIsTriedAgain() async throws {
    let demo = try Demo()
    demo.camera.permission = .allowed
    demo.trying.choose(.camera)
    demo.camera.fail("another app uses it")
    #expect(
      demo.trying.error
        == "The camera cannot be opened (another app uses it). Close other apps that use it, and try again.")
    #expect(!demo.camera.isOn && demo.trying.image.action == .allowCamera)
    demo.trying.act()
    #expect(demo.camera.isOn && demo.camera.timesStarted == 2 && demo.trying.error == nil)
  }

  @Test func theCameraRunsOnlyWhileItIsSeen() async throws {
    let demo = try Demo()
    demo.camera.permission = .allowed
    demo.trying.choose(.camera)
    #expect(demo.camera.isOn)
    demo.trying.disappear()
    #expect(!demo.camera.isOn)
    demo.trying.appear()
    demo.surroundings.leaveScreen()
    #expect(!demo.camera.isOn)
    demo.surroundings.returnToScreen()
    #expect(demo.camera.isOn)
    // A second look changes nothing.
    demo.trying.appear()
    #expect(demo.camera.timesStarted == 3)
  }

  @Test func aFrameThatContradictsItselfIsASentenceUntilTheNext() async throws {
    let demo = try await Demo.opened()
    demo.camera.permission = .allowed
    demo.trying.choose(.camera)
    demo.camera.give(.grey([1], width: 9, height: 9))
    try await until("there is a sentence") { demo.trying.error != nil }
    demo.camera.give(Images.frame())
    try await demo.untilAnswered()
    #expect(demo.trying.error == nil)
    await demo.end()
  }
}
