/// What passed on both clocks, in nanoseconds.
struct Elapsed: Sendable {
  /// On the wall.
  let wall: Int

  /// What the thread has computed that asked; nil where that is not known.
  let cpu: Int?
}
