import Foundation
import MVMoE

/// Follows orders in a folder, from which somebody else fetches what was measured while it grows.
///
/// | file | |
/// |---|---|
/// | `lines.jsonl` | lines of a results file, appended about once a second |
/// | `state.json` | `{"state", "subject", "message", "code", "beat"}`, replaced in one step unless the storage is full |
/// | `status` | one byte: the number of the subject at work, from 1, which is right even when an engine has ended the process |
/// | `describe.json` | what ``describe(_:)`` was given |
///
/// `state` is `running`, `done` or `failed`; then `message` says why in a sentence, and `code` is that of the error where it
/// has one: `bench.unreadable` for a file of the order that this process may not read. `subject` is the key of the one at
/// work, up to a second late where subjects answer in turn. `beat` grows every second as long as the process is alive. The
/// last lines are there before `state` is `done` or `failed`.
public final class OrderFolder: Sendable {
  private struct Following {
    var run: OrderRun?
    var isCancelled = false
  }

  private static let unreadable = "bench.unreadable"

  private let folder: URL
  private let machine: any Machine
  private let engines: any Engines
  private let state: FolderState
  private let following = Guarded(Following())

  /// Follows orders in a folder, which is made if it is not there; one order at a time.
  public init(_ folder: URL, machine: any Machine, engines: any Engines) {
    self.folder = folder
    self.machine = machine
    self.engines = engines
    state = FolderState(folder)
  }

  /// Writes `describe.json`; throws if the folder cannot be written to.
  public func describe(_ description: DeviceDescription) throws {
    try makeFolder()
    try FolderState.replace(folder.appendingPathComponent("describe.json"), description.json())
  }

  /// Follows the order in a file, to its end, or until ``cancel()`` or the end of the task; whatever goes wrong is in
  /// `state.json`.
  ///
  /// - Returns: Whether it came to its end.
  /// - Throws: If the folder cannot be written to.
  public func follow(_ orderFile: URL, times: ProcessTimes = ProcessTimes()) async throws -> Bool {
    try makeFolder()
    // Each order begins with nothing of the one before it.
    try Data().write(to: lines)
    try Data([0]).write(to: status)
    try state.write(.running)
    do {
      let heartbeat = Heartbeat { [self] in beat() }
      // A state that it has begun to write comes before the last one.
      defer { heartbeat.end() }
      try await measure(orderFile, times)
    } catch is CancellationError {
      // As ``cancel()``, in the middle of a load.
    } catch {
      try fail(error)
      return false
    }
    try state.write(.done)
    return true
  }

  /// Ends the order before its next answer; what was measured is kept, and the order counts as done. Any thread may call it.
  public func cancel() {
    let run = following.withLock { following in
      following.isCancelled = true
      return following.run
    }
    run?.cancel()
  }

  private var lines: URL { folder.appendingPathComponent("lines.jsonl") }

  private var status: URL { folder.appendingPathComponent("status") }

  private func makeFolder() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func measure(_ orderFile: URL, _ times: ProcessTimes) async throws {
    try Self.requireReadable(orderFile)
    let order = try MeasurementOrder.parse(fileContents(orderFile))
    for file in files(of: order) { try Self.requireReadable(file) }
    let output = try FileHandle(forWritingTo: lines)
    defer { try? output.close() }
    let run = OrderRun(
      order, Surroundings(machine: machine, engines: engines, process: times), { try output.write(contentsOf: $0) },
      status: status, subjectChanged: { [state] in try state.write(.running, subject: $0) })
    let isCancelled = following.withLock { following in
      following.run = run
      return following.isCancelled
    }
    if isCancelled { run.cancel() }
    try await run.run()
  }

  /// Files without which there is nothing to measure.
  private func files(of order: MeasurementOrder) -> [URL] {
    ([order.images] + order.reference.values.sorted() + order.subjects.map(\.root)).map { URL(fileURLWithPath: $0) }
  }

  private func beat() {
    // The storage may have room again at the next beat, and the order itself fails if it has none.
    try? state.write(.running, subject: following.withLock { $0.run }?.subject)
  }

  private func fail(_ error: any Error) throws {
    let subject = following.withLock { $0.run }?.subject
    let code = error is Unreadable ? Self.unreadable : code(of: error)?.rawValue
    try state.write(.failed, subject: subject, message: sentence(error), code: code)
  }

  private struct Unreadable: LocalizedError {
    let file: URL

    var errorDescription: String? { "\(file.path) cannot be read by this process; copy it to where it can" }
  }

  /// A folder has to be readable with the files that lie in it.
  private static func requireReadable(_ file: URL) throws {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: file.path, isDirectory: &isFolder), files.isReadableFile(atPath: file.path) else {
      throw Unreadable(file: file)
    }
    guard isFolder.boolValue else { return }
    guard let names = try? files.contentsOfDirectory(atPath: file.path),
      names.allSatisfy({ files.isReadableFile(atPath: file.appendingPathComponent($0).path) })
    else { throw Unreadable(file: file) }
  }
}
