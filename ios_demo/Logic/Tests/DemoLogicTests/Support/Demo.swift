import Foundation
import MVMoE
import Testing

@testable import DemoLogic

/// The app's models, used as a finger and an eye do.
@MainActor
final class Demo {
  let folder: TemporaryFolder
  let surroundings = FakeSurroundings()
  let camera = FakeCamera()
  let store: ModelStore
  let trying: TryModel

  /// As the user's phone writes numbers and times.
  static let words = Words(locale: Locale(identifier: "en_US"), timeZone: .gmt)

  /// - Parameter folder: where bundles are installed, and what is remembered: that of an app that has ended.
  init(
    _ engines: EngineChoices = EngineChoices(.onnx), own: URL? = RepositoryFiles.digits,
    in folder: TemporaryFolder? = nil,
    freeBytes: (@Sendable (URL) -> Int?)? = nil, access: FolderAccess? = nil
  ) throws {
    let folder = try folder ?? TemporaryFolder()
    self.folder = folder
    let directory = folder.file("mvmoe")
    store = ModelStore(
      engines: engines, own: own,
      installer: BundleInstaller(directory: directory, freeBytes: freeBytes ?? Storage.freeBytes),
      surroundings: surroundings, access: access ?? { try $1($0) }, words: Self.words)
    trying = TryModel(store: store, camera: camera, preview: Preview(), words: Self.words)
    trying.appear()
  }

  /// An app whose own bundle is open.
  static func opened(
    _ engines: EngineChoices = EngineChoices(.onnx), own: URL? = RepositoryFiles.digits
  ) async throws -> Demo {
    let demo = try Demo(engines, own: own)
    demo.store.start()
    try await demo.untilOpen()
    return demo
  }

  func untilOpen() async throws {
    try await until("the model is open") { self.store.model != nil && !self.store.isOpening }
    #expect(store.error == nil)
  }

  func untilAnswered() async throws {
    try await until("there is an answer") { self.trying.explanation != nil }
    #expect(!trying.answer.label.isEmpty)
  }

  func draw(_ digit: String) { trying.draw(HandDrawn.digit(digit)) }

  func pick(_ pixels: PixelBuffer) { trying.pick("here") { _ in pixels } }

  /// What the screen says of a bundle, of which it goes on with the one before.
  func refusal(of bundle: URL) async throws -> String {
    let before = try #require(store.model)
    store.openPicked(bundle)
    try await until("the bundle is refused") { self.store.error != nil }
    #expect(store.model === before)
    #expect(!store.isOpening)
    trying.draw(Drawing())
    draw("3")
    try await untilAnswered()
    #expect(trying.answer.label == "3")
    return try #require(store.error)
  }

  /// All is freed.
  func end() async { await store.close() }
}
