import Foundation
import MVMoE

/// Follows one order in this process, and writes the lines of a results file (`docs/results.schema.json`).
///
/// A subject that fails has a line that says why, and the others go on. Lines go out about once a second.
public final class OrderRun: Sendable {
  private let order: MeasurementOrder
  private let lines: LineWriter
  private let surroundings: Surroundings
  private let statusFile: URL?
  private let subjectChanged: @Sendable (String) throws -> Void
  private let atWork = Guarded<String?>(nil)

  /// Follows `order`; the number of the subject at work is kept in the file that the order names for it.
  public convenience init(
    _ order: MeasurementOrder, machine: any Machine, engines: any Engines, times: ProcessTimes = ProcessTimes(),
    output: @escaping LineOutput
  ) {
    self.init(
      order, Surroundings(machine: machine, engines: engines, process: times), output,
      status: order.status.map { URL(fileURLWithPath: $0) }, subjectChanged: { _ in })
  }

  init(
    _ order: MeasurementOrder, _ surroundings: Surroundings, _ output: @escaping LineOutput, status: URL?,
    subjectChanged: @escaping @Sendable (String) throws -> Void
  ) {
    self.order = order
    self.surroundings = surroundings
    lines = LineWriter(output)
    statusFile = status
    self.subjectChanged = subjectChanged
  }

  /// The key of the subject at work; nil before the first.
  var subject: String? { atWork.withLock { $0 } }

  /// Follows the order to its end, or until ``cancel()``. Called once.
  ///
  /// - Throws: `CancellationError` if the task is cancelled while a graph is loaded, and what was measured is written; what
  ///   reading the order's files and writing lines throws; `MVMoEError` for a job that this version does not have
  ///   (`input.invalid`).
  public func run() async throws {
    do {
      let images = try Images.read(URL(fileURLWithPath: order.images))
      try await Jobs.find(order.kind).run(try session(images))
    } catch {
      try lines.flush(now: true)
      throw error
    }
    try lines.flush(now: true)
  }

  /// Ends the run before its next answer, and writes out at once what was measured. Any thread may call it.
  public func cancel() {
    surroundings.cancel()
    // An output that takes no more lines ends the run itself.
    try? lines.flush(now: true)
  }

  private func session(_ images: Images) throws -> Session {
    let status = try statusFile.map { try StatusByte($0) }
    let places = Dictionary(order.subjects.enumerated().map { ($1.key, $0 + 1) }) { first, _ in first }
    return Session(
      order: order, images: images, surroundings: surroundings, lines: lines,
      references: { subject in
        try self.order.reference[subject.key].map {
          try Reference.read(URL(fileURLWithPath: $0), kinds: subject.outputKinds)
        }
      },
      atWork: { subject, isTimed in
        // Left in a file for the case that an engine ends this process.
        status?.write(places[subject.key] ?? 0)
        let isAnother = self.atWork.withLock { atWork in
          defer { atWork = subject.key }
          return atWork != subject.key
        }
        if isAnother && !isTimed { try self.subjectChanged(subject.key) }
      })
  }
}
