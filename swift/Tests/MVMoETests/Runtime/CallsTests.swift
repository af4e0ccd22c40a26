import Testing

@testable import MVMoE

/// The life of a dispatcher, with objects for its buffers.
@Suite struct CallsTests {
  private final class Thing: Sendable {}

  private let frees = Guarded(0)
  private let tasks = WatchedTasks()

  private func calls() -> Calls<Thing> {
    Calls(make: { Thing() }, free: { [frees] in frees.withLock { $0 += 1 } })
  }

  private var freed: Int { frees.withLock { $0 } }

  @Test func oneCallAfterTheOtherHasTheSameBuffersAndTwoAtOnceHaveNot() async throws {
    let calls = calls()
    let first = try await calls.run { $0 }
    #expect(try await calls.run { $0 } === first)
    try await calls.run { outer in
      try await calls.run { inner in #expect(outer !== inner) }
    }
  }

  @Test func closingWaitsForTheCallsOfOtherTasksAndEachCloseDoes() async throws {
    let (calls, gate, order) = (calls(), Gate(), Guarded<[String]>([]))
    let call = tasks {
      try await calls.run { _ in
        await gate.pass()
        order.withLock { $0.append("call") }
      }
    }
    await gate.arrival()
    let closing = (0..<2).map { _ in
      tasks {
        await calls.close()
        order.withLock { $0.append("close") }
      }
    }
    await tasks.rest()
    try await expectRefusal(.dispatcherClosed) { try await calls.run { _ in } }
    #expect(freed == 0)
    gate.open()
    for task in [call] + closing { try await task.value }
    #expect(order.withLock { $0 } == ["call", "close", "close"])
    #expect(freed == 1)
  }

  @Test func aCallThatClosesIsTheOneWhoseEndFrees() async throws {
    let calls = calls()
    try await calls.run { _ in
      await calls.close()
      #expect(calls.isClosing && freed == 0)
    }
    #expect(freed == 1)
    await calls.close()
    #expect(freed == 1)
  }

  @Test func aTaskOfACallClosesToo() async throws {
    let calls = calls()
    try await calls.run { _ in
      async let closing: Void = calls.close()
      await closing
      #expect(freed == 0)
      try await expectRefusal(.dispatcherClosed) { try await calls.run { _ in } }
    }
    #expect(freed == 1)
  }

  @Test(.timeLimit(.minutes(1))) func twoCallsAtOnceThatBothCloseWaitForNeitherAndTheLastOneFrees() async throws {
    let (calls, begun) = (calls(), Guarded(0))
    let closing = (0..<2).map { _ in
      tasks {
        try await calls.run { _ in
          begun.withLock { $0 += 1 }
          while begun.withLock({ $0 }) < 2 { await Task.yield() }
          await calls.close()
          #expect(freed == 0)
        }
      }
    }
    for task in closing { try await task.value }
    #expect(freed == 1)
  }

  @Test func whoClosesFromOutsideWaitsForCallsThatClose() async throws {
    let (calls, gate, order) = (calls(), Gate(), Guarded<[String]>([]))
    let call = tasks {
      try await calls.run { _ in
        await calls.close()
        await gate.pass()
        order.withLock { $0.append("call") }
      }
    }
    await gate.arrival()
    let closing = tasks {
      await calls.close()
      order.withLock { $0.append("close") }
    }
    await tasks.rest()
    gate.open()
    for task in [call, closing] { try await task.value }
    #expect(order.withLock { $0 } == ["call", "close"])
    #expect(freed == 1)
  }

  @Test func twoCallsThatCloseEachOtherEndBoth() async throws {
    let (one, other) = (calls(), calls())
    try await one.run { _ in
      try await other.run { _ in
        await one.close()
        await other.close()
        #expect(freed == 0)
      }
      #expect(freed == 1)
    }
    #expect(freed == 2)
  }

  @Test func aTaskThatOutlivesItsCallWaitsForOthers() async throws {
    let (calls, gate, outlives) = (calls(), Gate(), Gate())
    let closing = try await calls.run { _ in
      tasks {
        await outlives.pass()
        await calls.close()
      }
    }
    let call = tasks { try await calls.run { _ in await gate.pass() } }
    await gate.arrival()
    outlives.open()
    await tasks.rest()
    #expect(calls.isClosing && freed == 0)
    gate.open()
    try await call.value
    try await closing.value
    #expect(freed == 1)
  }

  @Test func cancellationDoesNotEndClosing() async throws {
    let (calls, gate) = (calls(), Gate())
    let call = tasks { try await calls.run { _ in await gate.pass() } }
    await gate.arrival()
    let closing = tasks {
      await calls.close()
      return Task.isCancelled
    }
    closing.cancel()
    await tasks.rest()
    #expect(freed == 0)
    gate.open()
    try await call.value
    #expect(try await closing.value)
    #expect(freed == 1)
  }

  @Test func buffersThatCannotBeMadeEndTheCallNotTheDispatcher() async throws {
    let fails = Guarded(true)
    let fragile = Calls<Thing>(
      make: {
        if fails.withLock({ $0 }) { throw ZeroedMemory.noMemory }
        return Thing()
      }, free: {})
    try await expectRefusal(.limitMemory) { try await fragile.run { _ in } }
    fails.withLock { $0 = false }
    try await fragile.run { _ in }
    await fragile.close()
  }

  @Test func whatACallThrowsIsThrownAndItsBuffersServeTheNext() async throws {
    let (calls, seen) = (calls(), Guarded<[ObjectIdentifier]>([]))
    for _ in 0..<2 {
      await #expect(throws: CancellationError.self) {
        try await calls.run { thing in
          seen.withLock { $0.append(ObjectIdentifier(thing)) }
          throw CancellationError()
        }
      }
    }
    #expect(Set(seen.withLock { $0 }).count == 1)
  }

  @Test func idleBuffersCanBeTakenAway() async throws {
    let calls = calls()
    let first = try await calls.run { $0 }
    let taken = calls.takeIdle()
    #expect(taken.count == 1 && taken.first === first)
    #expect(try await calls.run { $0 } !== first)
  }
}
