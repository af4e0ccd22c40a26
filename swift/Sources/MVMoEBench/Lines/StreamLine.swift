/// One answer of a sequence of images, with room for so many experts.
struct StreamLine: Line {
  let place: LinePlace
  let budget: Int?
  let number: Int
  let image: Int
  let routes: Routes
  let cold: [Bool]
  let switched: [Bool]
  let laps: LapsFields

  var plain: PlainData {
    place.line(
      "stream",
      [
        "budget": .optional(budget), "number": .integer(number), "image": .integer(image), "routes": .routes(routes),
        "cold": .list(cold.map(PlainData.boolean)), "switched": .list(switched.map(PlainData.boolean)),
        "ns": .integer(laps.total), "laps": laps.plain,
      ])
  }
}
