/// `all-experts`: one graph computes every expert, and takes a gate for each `[B, E]`; those of 0 mask what is not on the
/// route.
struct AllExpertsStrategy: Strategy {
  var name: String { "all-experts" }

  var routesInGraph: Bool { true }

  func inputs(of graph: Route?, rule: any Rule, batch: Int) -> KeyValuePairs<String, TensorType> {
    [gatesInput: TensorType(shape: [batch, rule.experts], dtypes: [.float32])]
  }

  func writer(inputs: [String: Tensor], route: Route, position: Int) -> any GatesWriter {
    ScatteringWriter(row: GatesRow(addedInput(gatesInput, in: inputs), position: position), route: route)
  }
}

private struct ScatteringWriter: GatesWriter {
  let row: GatesRow
  let route: Route

  func write(_ gates: [Float]) { row.scatter(gates, of: route) }
}
