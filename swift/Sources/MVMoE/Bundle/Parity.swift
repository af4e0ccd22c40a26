/// What the export checked against PyTorch, graph by graph.
public struct Parity: Sendable {
  /// How many were compared.
  public let graphs: Int

  /// Their largest error.
  public let maxAbsError: Double

  /// What it had to meet.
  public let tolerance: Double

  /// How all graphs in a row compared; nil where that was skipped.
  public let verification: Verification?
}
