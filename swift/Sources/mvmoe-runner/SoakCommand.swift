import Foundation
import MVMoE
import MVMoEBench

#if os(Linux)
  import MVMoEONNX
#endif

/// Answers a bundle's golden images in turn for a long time, and says what the process holds meanwhile; exit code 1 for a
/// leak.
struct SoakCommand: Command {
  let name = "soak"
  let usage = "BUNDLE [--target NAME] [--answers N] [--every N] [--max-experts N] [--threads N]"

  func run(_ words: [String], started: Int) async throws -> Int32 {
    let given = try Words(words, knows: ["target", "answers", "every", "max-experts", "threads"])
    #if os(Linux)
      return try await soak(given)
    #else
      throw UsageError("soak looks into Linux's /proc, which this system does not have")
    #endif
  }

  #if os(Linux)
    private func soak(_ given: Words) async throws -> Int32 {
      let root = URL(fileURLWithPath: try given.path)
      let answers = try given.number("answers") ?? 100_000
      let engine = ONNXEngine(threads: try given.number("threads") ?? 1)
      let soak = Soak(
        engine: engine, counted: engine, residency: Residency(maxExperts: try given.number("max-experts") ?? 1),
        options: OpenOptions(target: given.text("target")))
      let every = try given.number("every") ?? max(answers / 20, 1)
      let leaks = try await soak.run(root, answers: answers, every: every) { try StandardOutput.line($0.plain) }
      try StandardOutput.line(["leaks": .list(leaks.map(PlainData.text))])
      return leaks.isEmpty ? ExitCode.done : ExitCode.failed
    }
  #endif
}
