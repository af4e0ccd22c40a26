import MVMoE

/// How much a run of its own measures.
public struct OwnRunSettings: Sendable, Hashable {
  private static let warmUpRounds = 3

  /// What one graph may use, 1 to 256.
  public var threads: Int

  /// How often every subject is opened again and asked, 1 to 1000; six or more give intervals.
  public var repeats: Int

  /// Of a repeat, 1 to 100,000: in each every subject answers one image.
  public var rounds: Int

  /// When a repeat ends with rounds left.
  public var mostSeconds: Double

  /// Whether it is looked what each subject holds.
  public var memory: Bool

  /// How long each subject answers without a pause at the end; 0 for not at all, 600 shows most phones' heat.
  public var sustainedSeconds: Double

  /// These settings; a run that gets them checks them.
  public init(
    threads: Int = 2, repeats: Int = 6, rounds: Int = 16, mostSeconds: Double = 20, memory: Bool = false,
    sustainedSeconds: Double = 0
  ) {
    self.threads = threads
    self.repeats = repeats
    self.rounds = rounds
    self.mostSeconds = mostSeconds
    self.memory = memory
    self.sustainedSeconds = sustainedSeconds
  }

  /// - Throws: `MVMoEError` for a number that is out of range (`input.invalid`).
  func require() throws {
    try Self.require("threads", threads, most: 256)
    try Self.require("repeats", repeats, most: 1000)
    try Self.require("rounds", rounds, most: 100_000)
    let day = 86_400.0
    guard mostSeconds > 0, mostSeconds < day else {
      throw refused("\(mostSeconds) seconds of a repeat were given; expected 0 to a day")
    }
    guard sustainedSeconds >= 0, sustainedSeconds < day else {
      throw refused("\(sustainedSeconds) seconds were given; expected 0 to a day")
    }
  }

  private static func require(_ name: String, _ number: Int, most: Int) throws {
    guard (1...most).contains(number) else { throw refused("\(name) \(number) was given; expected 1 to \(most)") }
  }

  var preset: Preset {
    Preset(
      name: "own", repeats: repeats, queries: rounds, seconds: 0, mostSeconds: mostSeconds, warmup: Self.warmUpRounds,
      starts: memory ? 1 : 0, stream: 0, cooldown: 0, sustained: sustainedSeconds)
  }
}
