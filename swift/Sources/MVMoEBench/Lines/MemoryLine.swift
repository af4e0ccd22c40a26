/// What a process of its own held.
struct MemoryLine: Line {
  let place: LinePlace
  let memoryOf: MemoryKind
  let budget: Int?
  let base: Held
  let loaded: Held
  let peakResident: Int?
  let released: Held

  /// The most memory after any answer: for those who watch, no part of the line.
  let peak: Int?

  var plain: PlainData {
    place.line(
      "memory",
      [
        "memory_of": .text(memoryOf.rawValue), "budget": .optional(budget), "base": base.plain, "loaded": loaded.plain,
        "peak_rss": .optional(peakResident), "released": released.plain,
      ])
  }
}
