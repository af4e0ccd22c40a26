/// Where one answer's time went; one entry a routed stage in the lists.
struct LapsFields: Sendable, Equatable {
  let stem: Int
  let select: [Int]
  let load: [Int]
  let expert: [Int]
  let rest: Int

  /// All of it.
  var total: Int { stem + (select + load + expert).reduce(0, +) + rest }

  var plain: PlainData {
    [
      "stem": .integer(stem), "select": .integers(select), "load": .integers(load), "expert": .integers(expert),
      "rest": .integer(rest),
    ]
  }
}
