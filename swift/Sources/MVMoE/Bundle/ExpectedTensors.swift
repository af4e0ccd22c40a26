/// What a graph has to take and give; weights are taken as they are, ``checkBound(_:_:)`` looks at them.
struct ExpectedTensors {
  let inputs: NamedTypes

  let weights: NamedTypes

  let outputs: NamedTypes

  /// What the strategy adds to the tensors of the stage.
  let added: NamedTypes

  init(_ graph: Graph, _ target: Target, _ strategy: any Strategy, _ manifest: Manifest, _ stage: StageInterface) {
    let rule = target.routersInGraph ? nil : manifest.stages[graph.stage].rule
    let isJoined = rule.map { strategy.isJoined(graph.route, rule: $0) } ?? false
    let slots = rule.map(strategy.slots) ?? 0
    var inputs = ExpectedTensors.ofStages(graph, stage, areAll: slots == 0)
    for slot in 0..<(isJoined ? 0 : slots) {
      for (name, type) in stage.ofExpert { inputs[slotInput(slot, output: name)] = type }
    }
    added = Self.added(graph, target, strategy, manifest, rule)
    inputs.append(added)
    self.inputs = inputs
    weights = graph.bound.isEmpty ? NamedTypes() : NamedTypes(graph.inputs.filter { graph.bound[$0.name] != nil })
    outputs = isJoined ? stage.ofExpert : stage.outputs
  }

  private static func added(
    _ graph: Graph, _ target: Target, _ strategy: any Strategy, _ manifest: Manifest, _ rule: (any Rule)?
  ) -> NamedTypes {
    var added = NamedTypes()
    if let rule {
      added.append(strategy.inputs(of: graph.route, rule: rule, batch: target.batch).map { ($0.key, $0.value) })
    } else if target.routersInGraph {
      added[steeringTensor] = steeringType(manifest.rules, batch: target.batch)
    }
    return added
  }

  /// The tensors of stages before, in the order of the graph's inputs: the members of an object have none. They are all of
  /// the stage's, or some of them where one graph joins others.
  private static func ofStages(_ graph: Graph, _ stage: StageInterface, areAll: Bool) -> NamedTypes {
    var ordered = NamedTypes()
    for spec in graph.inputs { ordered[spec.name] = stage.inputs[spec.name] }
    if areAll {
      for (name, type) in stage.inputs where ordered[name] == nil { ordered[name] = type }
    }
    return ordered
  }
}
