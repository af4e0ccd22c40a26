/// One process's timed answers of one subject, once they came to their end.
struct TimedRunLine: Line {
  let place: LinePlace

  /// The kind of the lines that its answers are in.
  let answers: String

  /// Answers before the first that counts.
  let warmup: Int
  let wall: Int

  /// At the beginning.
  let thermal: Thermal?

  var plain: PlainData {
    place.line(
      "timed",
      [
        "of": .text(answers), "warmup": .integer(warmup), "wall_ns": .integer(wall),
        "thermal": .optional(thermal?.status.rawValue), "headroom": .optional(thermal?.headroom),
      ])
  }
}
