/// What residency knows of something that is loaded.
struct ResidencyItem: Sendable {
  let name: String

  /// Items of one group share the limit of their number: the graphs of one stage.
  let group: Int

  let bytes: Int

  /// Whether it is in no limit, and is never evicted.
  let stays: Bool

  init(name: String, group: Int, bytes: Int, stays: Bool = false) {
    self.name = name
    self.group = group
    self.bytes = bytes
    self.stays = stays
  }
}
