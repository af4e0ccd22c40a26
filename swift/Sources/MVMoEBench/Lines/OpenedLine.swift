/// A subject was made ready, and which engine it really got.
struct OpenedLine: Line {
  let place: LinePlace
  let actual: EngineChoice
  let open: Int

  var plain: PlainData { place.line("opened", ["actual": actual.plain, "open_ns": .integer(open)]) }
}
