import Foundation
import Testing

@testable import MVMoE

/// Memory that is short, and a dispatcher that releases what it can spare.
@Suite(.timeLimit(.minutes(2))) struct MemoryWatchTests {
  private let model = ToyModel("dispatch", rules: [["type": "top_k", "experts": 3, "k": 1]])
  private let folder = TemporaryFolder()
  private let events = ScriptedEvents()

  private func open() async throws -> Dispatcher {
    try ToyBundle.write(model, to: folder.url)
    return try await Dispatcher.open(folder.url, engine: ToyEngine(model))
  }

  @Test func eachEventReleasesWhatIsNotPinned() async throws {
    let dispatcher = try await open()
    events.trim(dispatcher)
    for _ in 0..<2 {
      #expect(try await dispatcher.run(model.image(1, [9, 0, 0])).count == 1)
      #expect(await dispatcher.resident == ["s1_r0"])
      events.happen()
      while await !dispatcher.resident.isEmpty { await Task.yield() }
    }
    #expect(!events.isCancelled)
    await dispatcher.close()
  }

  @Test func anEventAfterTheEndOfTheDispatcherEndsTheWatch() async throws {
    var dispatcher: Dispatcher? = try await open()
    weak var gone = dispatcher
    if let dispatcher { events.trim(dispatcher) }
    dispatcher = nil
    #expect(gone == nil)
    events.happen()
    #expect(events.isCancelled)
  }

  @Test func aClosedDispatcherMayBeWatchedOn() async throws {
    let dispatcher = try await open()
    events.trim(dispatcher)
    await dispatcher.close()
    events.happen()
    #expect(!events.isCancelled)
  }
}

/// Events that happen when a test says so.
private final class ScriptedEvents: MemoryEvents {
  private let handler = Guarded<(@Sendable () -> Void)?>(nil)
  private let cancelled = Guarded(false)

  var isCancelled: Bool { cancelled.withLock { $0 } }

  func start(_ handler: @escaping @Sendable () -> Void) { self.handler.withLock { $0 = handler } }

  func cancel() { cancelled.withLock { $0 = true } }

  func happen() { handler.withLock { $0 }?() }
}
