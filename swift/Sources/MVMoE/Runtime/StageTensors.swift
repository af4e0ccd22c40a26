/// The tensors that the stages of a pipeline pass on, each made once: what one stage gives and later ones take is one tensor.
struct StageTensors {
  /// The input of the stem `[B, C, H, W]`.
  let image: Tensor

  /// For each stage its outputs, by the names that its graphs have for them.
  let outputs: [[String: Tensor]]

  private let byName: [String: Tensor]

  /// - Throws: ``MVMoEError`` where there is no memory (`limit.memory`).
  init(_ pipeline: Pipeline) throws {
    let graphs = pipeline.target.graphs
    let stem = graphs[try pipeline.graphOfAll(0)]
    image = try Tensor.zeros(try known(stem.inputs.first { $0.name == imageTensor }, "input \(imageTensor)"))
    outputs = try pipeline.stages.indices.map { stage in
      let given = try graphs[try pipeline.givingGraph(stage)].outputs.map { ($0.name, try Tensor.zeros($0)) }
      return Dictionary(given) { first, _ in first }
    }
    var byName = [imageTensor: image]
    for (stage, given) in zip(pipeline.stages, outputs) {
      for (name, tensor) in given { byName[try known(stage.gives[name], "name for the output \(name)")] = tensor }
    }
    self.byName = byName
  }

  /// A tensor by the manifest's name of it.
  func named(_ name: String) throws -> Tensor { try known(byName[name], "tensor \(name)") }

  /// The first image's part of a tensor of fp32.
  func first(_ name: String) throws -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(try named(name).floats(ofImage: 0))
  }
}
