/// Outputs are tensors that stages give, and there wherever an image may be finished.
func checkOutputs(_ manifest: Manifest) throws {
  try requireDistinct(manifest.outputs.map(\.name), "output")
  let stageOf = stageOfTensors(manifest.stages)
  let firstFinish = manifest.stages.firstIndex { !$0.finishes.isEmpty } ?? manifest.stages.count
  for output in manifest.outputs {
    let stages = try output.tensors.map { tensor in
      guard let stage = stageOf[tensor] else { throw unknownTensor(output, tensor) }
      return stage
    }
    try requireConsistent(
      zip(stages, stages.dropFirst()).allSatisfy { $0 < $1 },
      "the tensors of the output \(output.name) are not of one stage after another")
    try requireConsistent(
      stages.first.map { $0 < firstFinish } == true, missing(output, firstFinish),
      "an image may be finished at stage \(firstFinish) before it has the output \(output.name)")
  }
}

private func unknownTensor(_ output: OutputSpec, _ tensor: String) -> MVMoEError {
  inconsistent(
    "the output \(output.name) is the tensor \(tensor), which no stage gives",
    Fault(.bundleTensorUnknown, ["output": .text(output.name), "tensor": .text(tensor)]))
}

private func missing(_ output: OutputSpec, _ stage: Int) -> Fault {
  Fault(.bundleOutputMissing, ["output": .text(output.name), "stage": .integer(stage)])
}
