/// What a ``Runner`` is as well whose engine says where it runs a graph's operators.
public protocol ReportsPlacement: AnyObject, Sendable {
  /// Where the engine runs the operators of a graph; it may load the graph and run it once, on zeros.
  ///
  /// - Throws: ``MVMoEError`` that names the graph.
  func placement(_ graph: Graph) async throws -> GraphPlacement
}
