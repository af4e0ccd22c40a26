import Foundation
import MVMoE
import MVMoEBench

/// Measures a bundle with a run of its own, as an app does without a computer beside it.
struct OwnRunCommand: Command {
  let name = "own-run"
  let usage = "BUNDLE --output FILE [--threads N] [--repeats N] [--rounds N] [--memory yes] [--sustained SECONDS]"

  func run(_ words: [String], started: Int) async throws -> Int32 {
    let given = try Words(words, knows: ["output", "threads", "repeats", "rounds", "memory", "sustained"])
    let bundle = URL(fileURLWithPath: try given.path)
    let output = URL(fileURLWithPath: try given.required("output"))
    let device = describe()
    let run = try OwnRun(
      bundle, subjects: OwnSubject.all(of: ModelBundle.open(bundle), on: device), device: device,
      machine: ThisMachine(),
      engines: RunnerEngines(), settings: settings(given))
    let interruption = Interruption { run.cancel() }
    defer { interruption.end() }
    let results = ResultsFile(output)
    return try await run.run { try results.write($0) } ? ExitCode.done : ExitCode.interrupted
  }

  private func settings(_ given: Words) throws -> OwnRunSettings {
    var settings = OwnRunSettings()
    settings.threads = try given.number("threads") ?? settings.threads
    settings.repeats = try given.number("repeats") ?? settings.repeats
    settings.rounds = try given.number("rounds") ?? settings.rounds
    settings.memory = given.text("memory") == "yes"
    settings.sustainedSeconds = Double(try given.number("sustained") ?? 0)
    return settings
  }
}
