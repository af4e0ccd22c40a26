/// One warm answer.
struct SampleLine: Line {
  let place: LinePlace
  let round: Int
  let position: Int
  let image: Int
  let routes: Routes?
  let forced: Bool
  let wall: Int
  let cpu: Int?
  let laps: LapsFields?

  var plain: PlainData {
    place.line(
      "sample",
      [
        "round": .integer(round), "position": .integer(position), "image": .integer(image),
        "routes": .optional(routes, PlainData.routes), "forced": .boolean(forced), "ns": .integer(wall),
        "cpu_ns": .optional(cpu), "laps": .optional(laps, \.plain),
      ])
  }
}
