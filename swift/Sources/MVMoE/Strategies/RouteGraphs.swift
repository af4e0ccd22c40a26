/// The input of a graph that takes the gates.
let gatesInput = "gates"

/// What strategies share whose graphs take the gates `[B, k]` of one route, in its order.
protocol RouteGraphs: Strategy {}

extension RouteGraphs {
  var separatesExperts: Bool { true }

  /// Each of its graphs has a route.
  func inputs(of graph: Route?, rule: any Rule, batch: Int) -> KeyValuePairs<String, TensorType> {
    guard let graph else { return [:] }
    return [gatesInput: TensorType(shape: [batch, graph.count], dtypes: [.float32])]
  }

  func writer(inputs: [String: Tensor], route: Route, position: Int) -> any GatesWriter {
    FillingWriter(row: GatesRow(addedInput(gatesInput, in: inputs), position: position))
  }
}

private struct FillingWriter: GatesWriter {
  let row: GatesRow

  func write(_ gates: [Float]) { row.fill(gates) }
}

/// An input that a strategy adds; a bundle without it was refused when it was opened.
func addedInput(_ name: String, in inputs: [String: Tensor]) -> Tensor {
  guard let tensor = inputs[name] else { preconditionFailure("a graph of a checked bundle takes \(name)") }
  return tensor
}
