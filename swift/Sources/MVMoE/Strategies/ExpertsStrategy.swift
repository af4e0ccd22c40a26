/// `experts`: a graph for each expert that some route has, and one that joins those of a route.
///
/// The joining graph takes what experts gave in slots, and gates `[B, K]`, K being the length of the longest route.
struct ExpertsStrategy: Strategy {
  var name: String { "experts" }

  var separatesExperts: Bool { true }

  func graphs(_ rule: any Rule) -> AnySequence<Route?> { AnySequence(Self.graphs(of: rule.usable)) }

  func serving(_ route: Route) -> [Route?] { Self.graphs(of: route) }

  /// Those of some experts, then the one that joins them.
  private static func graphs(of experts: some Sequence<Int>) -> [Route?] { experts.map { [$0] } + [nil] }

  func slots(_ rule: any Rule) -> Int { rule.longest }

  func isNeeded(_ graph: Route?, rule: any Rule, finishes: Set<Route>) -> Bool {
    !isFinished(graph, finishes) || slots(rule) > 1
  }

  func inputs(of graph: Route?, rule: any Rule, batch: Int) -> KeyValuePairs<String, TensorType> {
    graph == nil ? [gatesInput: TensorType(shape: [batch, rule.longest], dtypes: [.float32])] : [:]
  }

  func writer(inputs: [String: Tensor], route: Route, position: Int) -> any GatesWriter {
    // What stands in a slot from an image before need not be finite, and would not be so times 0.
    let unused = inputs.filter { name, _ in slotOf(name).map { $0 >= route.count } ?? false }
    return SlotsWriter(
      row: GatesRow(addedInput(gatesInput, in: inputs), position: position),
      slots: unused.values.map { BytesRow($0, position: position) })
  }
}

private struct SlotsWriter: GatesWriter {
  let row: GatesRow
  let slots: [BytesRow]

  func write(_ gates: [Float]) {
    row.fill(gates)
    for slot in slots { slot.clear() }
  }
}
