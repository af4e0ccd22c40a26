/// A graph that came into memory.
struct LoadLine: Line {
  let place: LinePlace
  let loaded: Loaded

  var plain: PlainData {
    place.line(
      "load",
      [
        "graph": .text(loaded.graph), "stage": .integer(loaded.stage),
        "route": .optional(loaded.route, PlainData.integers),
        "load_ns": .integer(loaded.load), "first_ns": .integer(loaded.first), "warm_ns": .integer(loaded.warm),
      ])
  }
}
