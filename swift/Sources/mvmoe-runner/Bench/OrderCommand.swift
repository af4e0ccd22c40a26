import Foundation
import MVMoEBench

/// Follows one order of `mvmoe bench`: it comes on the standard input, and its lines go to the standard output.
struct OrderCommand: Command {
  let name = "order"
  let usage = "[--lifeline DESCRIPTOR]"

  func run(_ words: [String], started: Int) async throws -> Int32 {
    let given = try Words(words, knows: ["lifeline"])
    if let descriptor = try given.number("lifeline") { Lifeline.hold(Int32(descriptor)) }
    let order = try MeasurementOrder.parse(try FileHandle.standardInput.readToEnd() ?? Data())
    let code = MonotonicClock.nanoseconds() - started
    // The engine's library is linked: it comes with the process, and has no time of its own.
    let times = ProcessTimes(start: started - order.started, code: code)
    let run = OrderRun(
      order, machine: ThisMachine(), engines: RunnerEngines(), times: times, output: StandardOutput.write)
    // What was measured is written before the process ends, wherever the order is.
    let interruption = Interruption {
      run.cancel()
      _exit(ExitCode.interrupted)
    }
    defer { interruption.end() }
    try await run.run()
    return ExitCode.done
  }
}
