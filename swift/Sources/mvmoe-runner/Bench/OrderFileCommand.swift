import Foundation
import MVMoEBench

/// Follows one order from a file, in a folder, as an app does that nobody holds a pipe to; exit code 1 where it failed.
struct OrderFileCommand: Command {
  let name = "order-file"
  let usage = "ORDER --folder DIR"

  func run(_ words: [String], started: Int) async throws -> Int32 {
    let given = try Words(words, knows: ["folder"])
    let order = URL(fileURLWithPath: try given.path)
    let folder = orderFolder(try given.required("folder"))
    let code = MonotonicClock.nanoseconds() - started
    let interruption = Interruption {
      folder.cancel()
      _exit(ExitCode.interrupted)
    }
    defer { interruption.end() }
    // Nobody has said when the process was started.
    let isDone = try await folder.follow(order, times: ProcessTimes(code: code))
    return isDone ? ExitCode.done : ExitCode.failed
  }
}
