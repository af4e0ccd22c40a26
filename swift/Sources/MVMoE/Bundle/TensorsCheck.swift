/// Elements of one tensor: a manifest may not ask for a buffer of gigabytes.
let mostElements = 1 << 28

/// Bytes of all tensors of a target: each call in flight has a buffer for every one of them.
let mostBufferBytes = 1 << 32

/// Each graph takes and gives the tensors of its stage, then what its strategy adds, and weights only behind them.
func checkTensors(
  _ target: Target, _ strategy: any Strategy, _ manifest: Manifest, _ shapes: inout OutputShapes
) throws {
  var stages = StageInterfaces(target, strategy, manifest)
  let interfaces = try stages.all(&shapes)
  var buffers = BufferSizes()
  for graph in target.graphs {
    try checkPixels(graph, target, manifest.input)
    let expected = ExpectedTensors(graph, target, strategy, manifest, interfaces[graph.stage])
    try requireOwnNames(expected.added, interfaces[graph.stage], graph, target)
    try checkGraphTensors(graph, target, expected)
    buffers.add(graph.stage, expected.inputs)
    buffers.add(graph.stage, expected.outputs)
  }
  try requireConsistent(
    buffers.bytes <= mostBufferBytes, .tooLarge(mostBufferBytes),
    "the tensors of target \(target.name) have \(buffers.bytes) bytes together; at most \(mostBufferBytes) are allowed: "
      + "export it with a smaller batch")
}

/// What a strategy adds has names of its own: of two inputs of one name one would be lost.
private func requireOwnNames(_ added: NamedTypes, _ stage: StageInterface, _ graph: Graph, _ target: Target) throws {
  let taken = added.names.filter { stage.inputs[$0] != nil }
  try requireConsistent(
    taken.isEmpty, Fault(.bundleTensorsMismatch, ["target": .text(target.name)]),
    "the stage of \(place(graph, target)) takes \(brief(taken)), which is the name of an input that its strategy adds")
}

private func checkGraphTensors(_ graph: Graph, _ target: Target, _ expected: ExpectedTensors) throws {
  let fault = Fault(.bundleTensorsMismatch, ["target": .text(target.name), "graph": .text(graph.name)])
  for tensors in [expected.inputs, expected.weights, expected.outputs] {
    try requireSizes(tensors, place(graph, target))
  }
  let both = expected.weights.names.filter { expected.inputs[$0] != nil }
  try requireConsistent(both.isEmpty, fault, "\(place(graph, target)) binds \(brief(both)), which is no weight")
  var inputs = expected.inputs
  inputs.append(expected.weights)
  try requireTensors(graph.inputs, inputs, fault, "\(place(graph, target)) takes")
  try requireTensors(graph.outputs, expected.outputs, fault, "\(place(graph, target)) gives")
}

/// Compares tensors with what is expected of them, order included.
private func requireTensors(
  _ specs: [TensorSpec], _ expected: NamedTypes, _ fault: Fault, _ what: @autoclosure () -> String
) throws {
  let isExpected =
    specs.count == expected.count
    && zip(specs, expected).allSatisfy { spec, wanted in
      spec.name == wanted.name && spec.shape == wanted.type.shape && wanted.type.dtypes.contains(spec.dtype)
    }
  if isExpected { return }
  let given = specs.prefix(mostItemsShown).map { "\($0.name) \(brief($0.shape)) \($0.dtype.rawValue)" }
  let wanted = expected.prefix(mostItemsShown).map { "\($0.name) \(brief($0.type.shape)) \(words($0.type.dtypes))" }
  throw inconsistent(
    "\(what()) \(given.joined(separator: ", ")) where \(wanted.joined(separator: ", ")) is expected",
    fault.with(["expected": .list(wanted.map(ErrorValue.text)), "found": .list(given.map(ErrorValue.text))]))
}

/// Refuses a tensor that no buffer could hold.
func requireSizes(_ tensors: NamedTypes, _ place: @autoclosure () -> String) throws {
  for (name, type) in tensors {
    try requireConsistent(
      elementCount(of: type.shape) <= mostElements, .tooLarge(mostElements),
      "\(place()) has the tensor \(name) of shape \(brief(type.shape)), which has more than \(mostElements) elements")
  }
}
