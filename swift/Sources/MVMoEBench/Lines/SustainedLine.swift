/// Some seconds of answers without a pause.
struct SustainedLine: Line {
  let place: LinePlace
  let seconds: SustainedSeconds

  var plain: PlainData {
    place.line(
      "sustained",
      [
        "at_ns": .integer(seconds.at), "answers": .integer(seconds.answers), "median_ns": .integer(seconds.median),
        "slowest_ns": .integer(seconds.slowest), "thermal": .optional(seconds.thermal?.status.rawValue),
        "headroom": .optional(seconds.thermal?.headroom), "pss": .optional(seconds.memory),
      ])
  }
}
