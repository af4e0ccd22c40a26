import Foundation

/// What a call takes that comes right after another one, which is not timed.
///
/// The first one brings the subject's weights back into the caches that the subject before has filled with its own, as they
/// are in an application that runs one model.
func timed(_ machine: any Machine, _ call: () async throws -> Void) async throws -> Elapsed {
  try await call()
  // The CPU's clock is a call of the system: outside of what the other one times.
  let before = ThreadTime(machine)
  let start = MonotonicClock.nanoseconds()
  try await call()
  let end = MonotonicClock.nanoseconds()
  return Elapsed(wall: end - start, cpu: ThreadTime(machine).since(before))
}

/// The CPU time of the thread that runs a task at a moment.
///
/// A task that does not suspend stays on its thread, and so does a warm answer, whose graphs run on the thread that asks for
/// them. Where a task suspends it may go on elsewhere: then nobody knows what it has computed.
private struct ThreadTime {
  private let thread = pthread_self()
  private let cpu: Int?

  init(_ machine: any Machine) { cpu = machine.threadCPU() }

  func since(_ before: ThreadTime) -> Int? {
    guard let cpu, let began = before.cpu, pthread_equal(thread, before.thread) != 0 else { return nil }
    return cpu - began
  }
}

extension Array {
  /// The order of round `number`: over the rounds each item stands equally often at each place.
  func rotated(_ number: Int) -> [Element] {
    guard count > 1 else { return self }
    let start = number.modulo(count)
    return Array(self[start...] + self[..<start])
  }

  /// The item whose turn it is in round `number`, of a list that is not empty.
  func inTurn(_ number: Int) -> Element { self[number.modulo(count)] }
}

extension Int {
  /// What is left of it above a multiple of `size`, never below 0.
  func modulo(_ size: Int) -> Int { (self % size + size) % size }
}
