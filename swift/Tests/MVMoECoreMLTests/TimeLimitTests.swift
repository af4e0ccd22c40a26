import Foundation
import Testing

@testable import MVMoE
@testable import MVMoECoreML

@Suite struct TimeLimitTests {
  private struct Failure: Error {}

  @Test func whatEndsInTimeIsGiven() async throws {
    #expect(try await TimeLimit(duration: .seconds(60)).run { 7 } == 7)
    #expect(try await TimeLimit(duration: nil).run { 7 } == 7)
  }

  @Test func anErrorIsThrownAsItIs() async {
    await #expect(throws: Failure.self) { try await TimeLimit(duration: .seconds(60)).run { throw Failure() } }
    await #expect(throws: Failure.self) { try await TimeLimit(duration: nil).run { throw Failure() } }
  }

  @Test func whatNeverEndsIsAbandoned() async {
    let hanging = Guarded<CheckedContinuation<Void, Never>?>(nil)
    let limit = Duration.milliseconds(20)
    await #expect(throws: TimeLimitExceeded(limit: limit)) {
      try await TimeLimit(duration: limit).run {
        await withCheckedContinuation { continuation in hanging.withLock { $0 = continuation } }
      }
    }
    // What it gives after all is nobody's.
    hanging.withLock { $0 }?.resume()
  }

  @Test func timeIsWaitedForInPieces() async {
    let slept = Guarded<[Duration]>([])
    await #expect(throws: TimeLimitExceeded(limit: .seconds(60))) {
      try await TimeLimit(duration: .seconds(60), sleep: { piece in slept.withLock { $0.append(piece) } }).run {
        try await Task.sleep(for: .seconds(1))
      }
    }
    let pieces = slept.withLock { $0 }
    #expect(pieces.reduce(.zero, +) == .seconds(60))
    #expect(pieces.allSatisfy { $0 <= .seconds(1) })
  }

  @Test func whatIsDroppedLaterIsFreed() async throws {
    final class Model: Sendable {
      let freed: AsyncStream<Void>.Continuation
      init(_ freed: AsyncStream<Void>.Continuation) { self.freed = freed }
      deinit { freed.finish() }
    }
    let (freed, continuation) = AsyncStream.makeStream(of: Void.self)
    let (goesOn, gate) = AsyncStream.makeStream(of: Void.self)
    await #expect(throws: TimeLimitExceeded.self) {
      try await TimeLimit(duration: .milliseconds(10)).run {
        for await _ in goesOn {}
        return Model(continuation)
      }
    }
    gate.finish()
    for await _ in freed {}
  }

  @Test func workGoesOnWhereItsTaskIsCancelled() async throws {
    let task = Task {
      try await TimeLimit(duration: .seconds(60)).run {
        try await Task.sleep(for: .milliseconds(30))
        return 7
      }
    }
    task.cancel()
    #expect(try await task.value == 7)
  }

  @Test(arguments: [
    (Duration.seconds(60), "60 s"), (.milliseconds(250), "0.25 s"), (.milliseconds(1050), "1.05 s"), (.zero, "0 s"),
  ]) func timesAreInWords(duration: Duration, words: String) {
    #expect(inWords(duration) == words)
  }
}
