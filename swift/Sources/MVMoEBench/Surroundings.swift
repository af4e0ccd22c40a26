import MVMoE

/// Where orders are followed: what the platform gives, and whether somebody has had enough.
final class Surroundings: Sendable {
  let machine: any Machine
  let engines: any Engines
  let process: ProcessTimes
  private let cancelled = Guarded(false)

  init(machine: any Machine, engines: any Engines, process: ProcessTimes = ProcessTimes()) {
    self.machine = machine
    self.engines = engines
    self.process = process
  }

  /// Whether the work is to end before the next answer.
  var isCancelled: Bool { Task.isCancelled || cancelled.withLock { $0 } }

  /// Lets the work end before the next answer.
  func cancel() { cancelled.withLock { $0 = true } }
}
