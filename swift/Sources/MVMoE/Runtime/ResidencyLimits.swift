/// The most items of a group, the most bytes of all, and the places of the items that are not evicted.
struct ResidencyLimits: Sendable {
  let perGroup: Int?
  let bytes: Int?
  let pinned: Set<Int>

  init(perGroup: Int? = nil, bytes: Int? = nil, pinned: Set<Int> = []) {
    self.perGroup = perGroup
    self.bytes = bytes
    self.pinned = pinned
  }
}
