/// `gather`: one graph gathers the weights of a route's experts by their numbers.
///
/// It takes gates `[B, K]` and the experts they are of, K being the length of the longest route; a shorter route is filled up
/// with gates of 0.
struct GatherStrategy: Strategy {
  private static let expertsInput = "experts"

  /// int32 for an engine that has no others.
  private static let integers: Set<DType> = [.int64, .int32]

  var name: String { "gather" }

  var routesInGraph: Bool { true }

  func inputs(of graph: Route?, rule: any Rule, batch: Int) -> KeyValuePairs<String, TensorType> {
    let shape = [batch, rule.longest]
    return [
      gatesInput: TensorType(shape: shape, dtypes: [.float32]),
      Self.expertsInput: TensorType(shape: shape, dtypes: Self.integers),
    ]
  }

  func writer(inputs: [String: Tensor], route: Route, position: Int) -> any GatesWriter {
    GatheringWriter(
      gatesRow: GatesRow(addedInput(gatesInput, in: inputs), position: position),
      expertsRow: ExpertsRow(addedInput(Self.expertsInput, in: inputs), position: position), route: route)
  }
}

private struct GatheringWriter: GatesWriter {
  let gatesRow: GatesRow
  let expertsRow: ExpertsRow
  let route: Route

  func write(_ gates: [Float]) {
    gatesRow.fill(gates)
    expertsRow.fill(route)
  }
}
