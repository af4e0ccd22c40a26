/// One graph can have the routers of this model inside, and its strategy can.
func checkRoutersInGraph(_ target: Target, _ strategy: any Strategy, _ manifest: Manifest) throws {
  let fault = Fault(.bundleRoutersMismatch, ["target": .text(target.name)])
  try requireConsistent(
    strategy.routesInGraph && !manifest.rules.isEmpty, fault,
    "target \(target.name) has its routers in a graph, which a model without routers, or the strategy \(strategy.name), "
      + "cannot have")
  for stage in manifest.stages {
    try requireConsistent(
      stage.finishes.isEmpty && !(stage.rule is any CallersRule), fault,
      "target \(target.name) has its routers in a graph, but stage \(stage.name) finishes images or leaves routes to the "
        + "caller")
  }
  let isOutput = manifest.outputs.contains { $0.name == steeringTensor || $0.name == routerLogitsTensor }
  try requireConsistent(
    !isOutput && stageOfTensors(manifest.stages)[routerLogitsTensor] == nil, fault,
    "target \(target.name) has its routers in a graph, and the model has a tensor or an output called "
      + "\(routerLogitsTensor) or \(steeringTensor)")
}
