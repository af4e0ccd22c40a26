/// What a runner says of itself, which may change as it loads graphs.
struct RunnerFacts: Sendable {
  let engineName: String
  let provider: String
  let notes: [String]

  init(_ runner: any Runner) {
    engineName = runner.engineName
    provider = runner.provider
    notes = runner.notes
  }
}
