/// The life of a dispatcher: its calls in flight, each with buffers of its own, and how it ends.
///
/// ```
/// open -- close() --> closing -- the last call has ended --> closed
/// ```
///
/// Buffers are leased to one call at a time, and later calls use them again: they need not be Sendable, since a call hands them to
/// the next one under a lock.
final class Calls<Buffers>: Sendable {
  private struct State {
    var idle: [Buffers] = []
    var running: [CallMark] = []
    var isClosing = false
    var isFreeing = false
    var isFreed = false

    /// Those who wait until no call is in flight but those that they are inside of.
    var waitingForCalls: [(mark: CallMark?, continuation: CheckedContinuation<Void, Never>)] = []
    var waitingForEnd: [CheckedContinuation<Void, Never>] = []

    /// Whether one that closes has a call to wait for. One that is inside of a call does not wait for a call that waits in the
    /// same way: each would wait for the other.
    private func isWaiting(_ mark: CallMark?) -> Bool {
      let isInside = running.contains { mark?.isInside($0) == true }
      return running.contains { call in
        if mark?.isInside(call) == true { return false }
        return !(isInside && waitingForCalls.contains { $0.mark?.isInside(call) == true })
      }
    }

    /// Takes those who have nothing to wait for any more.
    mutating func takeReady() -> [CheckedContinuation<Void, Never>] {
      let waiting = waitingForCalls
      let isReady = waiting.map { !isWaiting($0.mark) }
      waitingForCalls = zip(waiting, isReady).filter { !$0.1 }.map(\.0)
      return zip(waiting, isReady).filter(\.1).map(\.0.continuation)
    }
  }

  private let state = Guarded(State())
  private let make: @Sendable () throws -> Buffers
  private let free: @Sendable () async -> Void

  /// - Parameters:
  ///   - make: makes buffers.
  ///   - free: frees what all calls use, but for buffers; it is called once, when no call is in flight and none can begin.
  init(make: @escaping @Sendable () throws -> Buffers, free: @escaping @Sendable () async -> Void) {
    self.make = make
    self.free = free
  }

  /// Whether no further call may begin.
  var isClosing: Bool { state.withLock { $0.isClosing } }

  /// `work` as one call.
  ///
  /// - Throws: ``MVMoEError`` after ``close()`` (`dispatcher.closed`), and what `work` throws.
  func run<Result>(_ work: (Buffers) async throws -> Result) async throws -> Result {
    let mark = CallMark(inside: CallMark.current)
    let idle = try begin(mark)
    let buffers: Buffers
    do {
      buffers = try idle ?? make()
    } catch {
      await end(mark, nil)
      throw error
    }
    do {
      let result = try await CallMark.$current.withValue(mark) { try await work(buffers) }
      await end(mark, buffers)
      return result
    } catch {
      await end(mark, buffers)
      throw error
    }
  }

  /// Lets no further call begin, waits for those in flight, and frees what all of them use.
  ///
  /// Where the calling task itself is inside of a call (something that the call runs closes the dispatcher), the end of that
  /// call frees it. The wait cannot be cancelled: who closes may delete the bundle next.
  func close() async {
    let mark = CallMark.current
    await withCheckedContinuation { continuation in
      let ready = state.withLock { state in
        state.isClosing = true
        state.waitingForCalls.append((mark, continuation))
        return state.takeReady()
      }
      for each in ready { each.resume() }
    }
    let isInside = state.withLock { !$0.running.isEmpty }
    if isInside { return }
    await freeOnce()
    await withCheckedContinuation { continuation in
      let isFreed = state.withLock { state in
        if !state.isFreed { state.waitingForEnd.append(continuation) }
        return state.isFreed
      }
      if isFreed { continuation.resume() }
    }
  }

  /// Takes the buffers that no call uses.
  func takeIdle() -> [Buffers] {
    state.withLock { state in
      defer { state.idle = [] }
      return state.idle
    }
  }

  private func begin(_ mark: CallMark) throws -> Buffers? {
    try state.withLock { state in
      if state.isClosing {
        throw MVMoEError.closed
      }
      state.running.append(mark)
      return state.idle.popLast()
    }
  }

  private func end(_ mark: CallMark, _ buffers: Buffers?) async {
    let isClosing = state.withLock { state in
      state.running.removeAll { $0 === mark }
      if let buffers { state.idle.append(buffers) }
      return state.isClosing
    }
    if isClosing { await endOfOne() }
  }

  /// A call has ended while others wait for the end of all.
  private func endOfOne() async {
    let (ready, isLast) = state.withLock { ($0.takeReady(), $0.running.isEmpty) }
    for each in ready { each.resume() }
    if isLast { await freeOnce() }
  }

  /// Frees everything, unless that was done.
  private func freeOnce() async {
    let isMine = state.withLock { state in
      if state.isFreeing || !state.running.isEmpty { return false }
      state.isFreeing = true
      return true
    }
    if !isMine { return }
    _ = takeIdle()
    await free()
    let waiting = state.withLock { state in
      defer { state.waitingForEnd = [] }
      state.isFreed = true
      return state.waitingForEnd
    }
    for each in waiting { each.resume() }
  }
}
