/// The interface of each stage of a target: every tensor is what the first graph of the stage that gives it says, and all
/// others have to agree with that.
struct StageInterfaces {
  private let target: Target
  private let strategy: any Strategy
  private let manifest: Manifest
  private let stages: [Stage]
  private let outputTensors: Set<String>
  private let fault: Fault

  /// What each stage gives, and what its experts give for slots, as the first graph of each says.
  private var given: [Int: Graph] = [:]
  private var givenByExperts: [Int: Graph] = [:]

  /// Tensors that are known before any graph says what they are.
  private var known: [String: TensorType] = [:]
  private var tensors: [String: TensorType]

  init(_ target: Target, _ strategy: any Strategy, _ manifest: Manifest) {
    self.target = target
    self.strategy = strategy
    self.manifest = manifest
    stages = graphStages(manifest, target)
    outputTensors = Set(manifest.outputs.flatMap(\.tensors))
    fault = Fault(.bundleTensorsMismatch, ["target": .text(target.name)])
    tensors = [imageTensor: float32([target.batch] + manifest.input.shape)]
  }

  /// The interfaces in the order of the stages; adds to `shapes` those of outputs that no target before had.
  ///
  /// - Throws: ``MVMoEError`` where the first graphs of stages do not give what the stages say.
  mutating func all(_ shapes: inout OutputShapes) throws -> [StageInterface] {
    findFirstGraphs()
    for tensor in outputTensors {
      if let shape = shapes[tensor] { known[tensor] = float32([target.batch] + shape) }
    }
    if target.routersInGraph { known[routerLogitsTensor] = steeringType(manifest.rules, batch: target.batch) }
    for stage in stages { try knowRouter(stage) }
    var found: [StageInterface] = []
    for (index, stage) in stages.enumerated() { found.append(try interface(of: stage, index, &shapes)) }
    return found
  }

  private mutating func findFirstGraphs() {
    for graph in target.graphs where stages.indices.contains(graph.stage) {
      let isJoined = stages[graph.stage].rule.map { strategy.isJoined(graph.route, rule: $0) } ?? false
      let first = isJoined ? \StageInterfaces.givenByExperts : \StageInterfaces.given
      if self[keyPath: first][graph.stage] == nil { self[keyPath: first][graph.stage] = graph }
    }
  }

  /// The tensor of a router has the logits of its rule.
  private mutating func knowRouter(_ stage: Stage) throws {
    guard let experts = stage.rule?.experts, let router = stage.router else { return }
    let logits = float32([target.batch, experts])
    let other = known[router] ?? logits
    known[router] = other
    try requireConsistent(
      other.shape == logits.shape,
      "the tensor \(router) would be \(brief(other.shape)), and the logits of \(experts) experts for stage \(stage.name)"
    )
  }

  private mutating func interface(
    of stage: Stage, _ index: Int, _ shapes: inout OutputShapes
  ) throws -> StageInterface {
    let place = "stage \(stage.name) of target \(target.name)"
    let inputs = try inputs(of: stage, place)
    let outputs = try outputs(of: stage, given[index]?.outputs ?? [], place, &shapes)
    let ofExpert = NamedTypes(givenByExperts[index]?.outputs ?? [])
    for (name, type) in ofExpert { try requirePassedOn(type, "an expert of \(place) gives \(name)") }
    let slots = ofExpert.names.isEmpty ? [] : stage.takes.keys.filter { slotOf($0) != nil }
    try requireConsistent(
      slots.isEmpty, fault, "\(place) takes \(brief(slots.sorted())), which is the name of a slot")
    return StageInterface(inputs: inputs, outputs: outputs, ofExpert: ofExpert)
  }

  private func inputs(of stage: Stage, _ place: String) throws -> NamedTypes {
    var inputs = NamedTypes()
    for (name, tensor) in stage.takes.sorted(by: { $0.key < $1.key }) {
      guard let type = tensors[tensor] else {
        throw inconsistent("\(place) takes \(tensor), which no stage before it gives", fault)
      }
      inputs[name] = type
    }
    return inputs
  }

  private mutating func outputs(
    of stage: Stage, _ specs: [TensorSpec], _ place: String, _ shapes: inout OutputShapes
  ) throws -> NamedTypes {
    let found = NamedTypes(specs)
    try requireConsistent(
      Set(found.names) == Set(stage.gives.keys), fault,
      "\(place) gives \(brief(found.names)), where \(brief(stage.gives.keys.sorted())) is expected")
    var outputs = NamedTypes()
    for (name, type) in found {
      guard let tensor = stage.gives[name] else { continue }
      if known[tensor] == nil { try requirePassedOn(type, "\(place) gives \(name)") }
      let type = known[tensor] ?? type
      try keep(tensor, type, "\(place) gives \(name)", &shapes)
      outputs[name] = type
    }
    return outputs
  }

  private mutating func keep(
    _ tensor: String, _ type: TensorType, _ what: @autoclosure () -> String, _ shapes: inout OutputShapes
  ) throws {
    tensors[tensor] = type
    guard outputTensors.contains(tensor), shapes[tensor] == nil else { return }
    try requireConsistent(
      type.dtypes == [.float32], fault,
      "\(what()), an output of the model, of type \(words(type.dtypes)); expected float32")
    shapes.add(tensor, Array(type.shape.dropFirst()))
  }

  /// Tensors between stages are numbers `[B, ...]`.
  private func requirePassedOn(_ type: TensorType, _ what: @autoclosure () -> String) throws {
    try requireConsistent(
      type.shape.count >= 2 && type.shape.first == target.batch, fault,
      "\(what()) of shape \(brief(type.shape)); expected at least two sizes, the first the batch \(target.batch)")
    try requireConsistent(
      type.dtypes.isSubset(of: [.float32, .float16]), fault,
      "\(what()) of type \(words(type.dtypes)); expected float32 or float16")
  }
}
