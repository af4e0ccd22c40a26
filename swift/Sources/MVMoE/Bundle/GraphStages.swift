/// The tensor that the input is, `[B, C, H, W]`.
package let imageTensor = "image"

/// With routers inside of a graph, the input that is added to their logits: `[B, sum of E]`.
let steeringTensor = "steering"

/// With routers inside of a graph, the output with their logits as they were: `[B, sum of E]`.
let routerLogitsTensor = "router_logits"

/// The stages that the graphs of a target are: those of the model, or one that is all of it where routers are inside.
func graphStages(_ manifest: Manifest, _ target: Target) -> [Stage] {
  guard target.routersInGraph, let last = manifest.stages.last else { return manifest.stages }
  var given = [routerLogitsTensor: routerLogitsTensor]
  // Without routes that finish images an output is one tensor: its last.
  for output in manifest.outputs { given[output.name] = output.tensors.last }
  return [
    Stage(name: last.name, rule: nil, router: nil, takes: [imageTensor: imageTensor], gives: given, finishes: [])
  ]
}

/// The type of ``steeringTensor`` and ``routerLogitsTensor`` of a model with these rules.
func steeringType(_ rules: [any Rule], batch: Int) -> TensorType {
  float32([batch, rules.reduce(0) { $0 + $1.experts }])
}

/// The index of the stage that gives each tensor.
func stageOfTensors(_ stages: [Stage]) -> [String: Int] {
  var found: [String: Int] = [:]
  for (index, stage) in stages.enumerated() {
    for tensor in stage.gives.values { found[tensor] = index }
  }
  return found
}

/// A tensor of fp32.
func float32(_ shape: [Int]) -> TensorType { TensorType(shape: shape, dtypes: [.float32]) }
