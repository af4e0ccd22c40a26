/// Bytes of a target's weights by who needs them, each distinct content counted once.
public struct Sizes: Sendable {
  /// All weights.
  public let distinctBytes: Int

  /// Those that no single expert owns.
  public let sharedBytes: Int

  /// For each routed stage what each expert owns; empty where graphs are not split by route.
  public let expertBytes: [[Int]]
}
