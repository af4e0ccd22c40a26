/// The answer to one frame of those that come at a fixed rate.
struct PacedLine: Line {
  let place: LinePlace

  /// Its number, by the rate, from the first that counts.
  let frame: Int
  let image: Int

  /// From when the frame came to when its answer began.
  let late: Int
  let wall: Int

  var plain: PlainData {
    place.line(
      "paced",
      ["frame": .integer(frame), "image": .integer(image), "late_ns": .integer(late), "ns": .integer(wall)])
  }
}
