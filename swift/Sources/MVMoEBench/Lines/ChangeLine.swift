/// Two answers to one image: by the route before, and by another one.
struct ChangeLine: Line {
  let place: LinePlace
  let budget: Int?
  let round: Int
  let image: Int
  let before: Routes
  let routes: Routes
  let first: Bool
  let same: LapsFields
  let changed: LapsFields

  var plain: PlainData {
    place.line(
      "change",
      [
        "budget": .optional(budget), "round": .integer(round), "image": .integer(image), "before": .routes(before),
        "routes": .routes(routes), "first": .boolean(first), "dropped": false, "same": same.plain,
        "changed": changed.plain, "read_ns": nil,
      ])
  }
}
