/// Each input in a graph's `bound` is a tensor that every expert of its stage has, in one shape and type.
func checkBound(_ target: Target, _ stages: [Stage]) throws {
  var rows: [Int: ExpertRow] = [:]
  for graph in target.graphs where !graph.bound.isEmpty {
    let row = rows[graph.stage] ?? ExpertRow(target, stages, graph.stage)
    rows[graph.stage] = row
    try checkGraph(graph, target, row)
  }
}

private func checkGraph(_ graph: Graph, _ target: Target, _ row: ExpertRow) throws {
  let fault = Fault(.bundleTensorsMismatch, ["target": .text(target.name), "graph": .text(graph.name)])
  let inputs = Dictionary(graph.inputs.map { ($0.name, $0) }) { $1 }
  let size = graph.route?.count ?? 0
  for (name, bound) in graph.bound.sorted(by: { $0.key < $1.key }) {
    guard let input = inputs[name] else {
      throw inconsistent("\(place(graph, target)) binds \(name), which is none of its inputs", fault)
    }
    try requireConsistent(
      bound.place < size && !row.isEmpty, fault,
      "\(place(graph, target)) binds \(name) to the expert at place \(bound.place) of a route of \(size)")
    guard let lacking = row.firstLacking(bound.tensor, as: input) else { continue }
    throw inconsistent(
      "\(place(graph, target)) takes the weight \(name) \(brief(input.shape)) \(input.dtype.rawValue), and expert "
        + "\(lacking) has no such tensor \(bound.tensor)", fault)
  }
}

/// The experts of one stage. What all of them are known to have is asked once: inputs and experts may both be very many.
private final class ExpertRow {
  private let experts: [ExpertWeights]

  /// What only finishes images is never computed, and needs no weights.
  private let ends: Set<Int>

  /// The experts that some route has: others need no weights either.
  private let usable: Set<Int>

  private var known: [String: TensorSpec] = [:]

  init(_ target: Target, _ stages: [Stage], _ stage: Int) {
    experts = target.experts.indices.contains(stage - 1) ? target.experts[stage - 1] : []
    let isSingle = stages.indices.contains(stage) && stages[stage].rule?.longest == 1
    usable = Set(stages.indices.contains(stage) ? stages[stage].rule?.usable ?? [] : [])
    ends = isSingle ? Set(stages[stage].finishes.joined()) : []
  }

  var isEmpty: Bool { experts.isEmpty }

  /// The first expert without this tensor in the input's shape and type; nil if all have it.
  func firstLacking(_ tensor: String, as input: TensorSpec) -> Int? {
    if let known = known[tensor], known.shape == input.shape, known.dtype == input.dtype { return nil }
    let found = experts.indices.first { !has($0, tensor, input) }
    if found == nil { known[tensor] = input }
    return found
  }

  private func has(_ number: Int, _ tensor: String, _ input: TensorSpec) -> Bool {
    guard let stored = experts[number].tensors[tensor] else {
      return ends.contains(number) || !usable.contains(number)
    }
    return stored.shape == input.shape && stored.dtype == input.dtype
  }
}
