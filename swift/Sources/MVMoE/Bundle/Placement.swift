/// Where an engine would run a graph's nodes, as its own tool said at export, without a device.
public struct Placement: Sendable {
  /// `xnnpack`, `coreml`, `nnapi` or `coreml-ep` (ONNX Runtime's provider).
  public let engine: String

  /// Pieces of the graph that the engine takes.
  public let partitions: Int

  /// Nodes that it does not take.
  public let nodesOutside: Int

  /// How often which operator is among them.
  public let outside: [String: Int]

  /// All nodes of the graph; nil where the tool does not count them.
  public let nodes: Int?

  /// What the tool makes of it: `YES`, `MAYBE`, `NO`; nil where it says nothing.
  public let verdict: String?
}
