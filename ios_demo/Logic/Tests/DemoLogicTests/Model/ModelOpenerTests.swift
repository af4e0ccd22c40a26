import Foundation
import MVMoE
import Testing

@testable import DemoLogic

/// The target of all experts beside the one that routes.
@Suite(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
struct ModelOpenerTests {
  /// ONNX Runtime, but for the target of all experts, of which an error is thrown.
  private func choice(_ refusal: any Error, _ opened: @escaping @Sendable (Dispatcher) -> Void = { _ in })
    -> EngineChoice
  {
    EngineChoice(id: "onnx", name: "ONNX Runtime", engine: EngineChoice.onnx.engine) { bundle, options in
      if options.target == "onnx-all-experts" { throw refusal }
      let dispatcher = try await EngineChoice.onnx.open(bundle, options)
      opened(dispatcher)
      return dispatcher
    }
  }

  @Test func aTargetOfAllExpertsThatIsRefusedIsTheLibrarysSentence() async throws {
    let refused = choice(MVMoEError(.engineLoadFailed, "it does not load"))
    let opened = try await ModelOpener(engine: refused).open(RepositoryFiles.digits)
    #expect(opened.allExperts == nil && opened.withoutAllExperts == "it does not load")
    _ = try await opened.routed.predict(Images.photo(8, 8))
    await opened.close()
  }

  @Test func nothingStaysOpenWhereOpeningIsCancelled() async throws {
    let (stream, told) = AsyncStream.makeStream(of: Dispatcher.self)
    let cancelled = choice(CancellationError()) { told.yield($0) }
    await #expect(throws: CancellationError.self) {
      try await ModelOpener(engine: cancelled).open(RepositoryFiles.digits)
    }
    told.finish()
    var closed = 0
    for await dispatcher in stream {
      await #expect {
        try await dispatcher.predict(Images.photo(8, 8))
      } throws: {
        ($0 as? MVMoEError)?.code == .dispatcherClosed
      }
      closed += 1
    }
    #expect(closed == 1)
  }
}
