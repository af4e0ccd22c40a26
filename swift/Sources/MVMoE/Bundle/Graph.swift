/// One static-shape program.
public struct Graph: Sendable {
  /// One of its own within its target.
  public let name: String

  /// Index into the manifest's stages.
  public let stage: Int

  /// The experts of this graph; nil where it serves every route. With `bind`, the first experts of the length
  /// that it serves.
  public let route: Route?

  /// Where it is: the path of a file, or of a package, which is a directory of listed files.
  public let file: String

  /// What the engine calls it where one file holds several graphs; nil where it has no name there.
  public let entry: String?

  /// Bytes of the weights that it reads.
  public let weightBytes: Int

  /// Those of them that no other graph of the target reads.
  public let exclusiveBytes: Int

  /// In the order of the graph.
  public let inputs: [TensorSpec]

  /// In the order of the graph.
  public let outputs: [TensorSpec]

  /// With `bind`, the inputs that are weights, by the input's name.
  public let bound: [String: BoundInput]

  /// Where engines would run its nodes, as their own tools said at export.
  public let placement: [Placement]
}
