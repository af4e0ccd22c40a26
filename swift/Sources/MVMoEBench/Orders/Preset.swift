/// How much is measured.
struct Preset: Sendable {
  let name: String
  let repeats: Int
  let queries: Int
  let seconds: Double
  let mostSeconds: Double
  let warmup: Int
  let starts: Int
  let stream: Int
  let cooldown: Double

  /// Seconds of the job `sustained`; 0 for none.
  var sustained = 0.0

  /// Seconds of the job `paced`, all repeats together; 0 for none.
  var paced = 0.0

  /// Frames a second of the job `paced`.
  var rate = 30.0

  var plain: PlainData {
    [
      "name": .text(name), "repeats": .integer(repeats), "queries": .integer(queries), "seconds": .number(seconds),
      "most_seconds": .number(mostSeconds), "warmup": .integer(warmup), "starts": .integer(starts),
      "stream": .integer(stream), "cooldown": .number(cooldown), "sustained": .number(sustained),
      "paced": .number(paced), "rate": .number(rate),
    ]
  }
}
