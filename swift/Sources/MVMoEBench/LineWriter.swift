import Foundation
import MVMoE

/// Takes UTF-8 as it comes, and throws where there is no room for it.
public typealias LineOutput = @Sendable (Data) throws -> Void

/// Keeps lines, and writes them out from time to time: writing in every round would disturb the next. Any thread may flush.
final class LineWriter: Sendable {
  private struct State {
    var waiting: [any Line] = []
    var flushed = MonotonicClock.nanoseconds()
  }

  private static let flushAfter = 1_000_000_000

  private let output: LineOutput
  private let written: @Sendable (any Line) -> Void
  private let state = Guarded(State())

  /// Writes lines to `output`, and tells of each that it is `written`.
  init(_ output: @escaping LineOutput, written: @escaping @Sendable (any Line) -> Void = { _ in }) {
    self.output = output
    self.written = written
  }

  /// Keeps a line until the next flush.
  func emit(_ line: any Line) { state.withLock { $0.waiting.append(line) } }

  /// Writes lines out, if `now` or some time has passed. Where the output takes no more, how far it came is not known: these lines
  /// are not written again.
  func flush(now: Bool = false) throws {
    // One thread at a time writes, so that lines are whole and in order.
    let lines = try state.withLock { state -> [any Line] in
      guard now || MonotonicClock.nanoseconds() - state.flushed >= Self.flushAfter else { return [] }
      let lines = state.waiting
      state.waiting = []
      defer { state.flushed = MonotonicClock.nanoseconds() }
      try write(lines)
      return lines
    }
    lines.forEach(written)
  }

  private func write(_ lines: [any Line]) throws {
    guard !lines.isEmpty else { return }
    let text = try lines.map { try $0.plain.json() + "\n" }.joined()
    try output(Data(text.utf8))
  }
}
