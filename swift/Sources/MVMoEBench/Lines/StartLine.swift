/// A process of its own, from its start to its first answer.
struct StartLine: Line {
  let place: LinePlace
  let process: ProcessTimes
  let parse: Int?
  let hash: Int?
  let open: Int
  let first: Int
  let firstLaps: LapsFields?

  var plain: PlainData {
    place.line(
      "start",
      [
        "process_ns": .integer(process.start), "engine_import_ns": .integer(process.engine),
        "code_import_ns": .integer(process.code), "parse_ns": .optional(parse), "hash_ns": .optional(hash),
        "open_ns": .integer(open), "first_ns": .integer(first), "first_laps": .optional(firstLaps, \.plain),
      ])
  }
}
