/// Makes the answers of what a target's graphs gave.
struct AnswerMaker: Sendable {
  private let pipeline: Pipeline
  private let kinds: [any OutputKind]

  /// For each stage that may be an image's last, the place among its outputs of the one that decides on the class.
  private let classOutputs: [Int?]

  init(_ pipeline: Pipeline) throws {
    let kinds = try pipeline.manifest.outputs.map { try known(OutputKinds.find($0.kind), "kind \($0.kind)") }
    let deciding = kinds.firstIndex(where: \.classifies)
    classOutputs = pipeline.results.map { row in row.firstIndex { $0.output == deciding } }
    self.kinds = kinds
    self.pipeline = pipeline
  }

  /// The answer for the first image of some buffers, after its passage.
  ///
  /// - Throws: ``MVMoEError`` for values that are not finite.
  func answer(_ buffers: InferenceBuffers, _ passage: Passage, _ transform: InputTransform? = nil) throws -> Answer {
    let outputs = try buffers.results[passage.last].map { result in
      let values = result.values()
      guard areFinite(values) else { throw Self.notFinite("") }
      return output(result, values, transform)
    }
    let logits = buffers.firstLogits.prefix(passage.selections.count).map(Array.init)
    return try answer(
      outputs, last: passage.last, passage.selections, logits, innerLogits: buffers.firstInnerLogits.map(Array.init))
  }

  /// The routes of the first image of some buffers.
  func routes(_ buffers: InferenceBuffers, _ passage: Passage) throws -> [Route] {
    guard let inner = pipeline.innerRouting, let logits = buffers.firstInnerLogits else {
      return passage.selections.map(\.route)
    }
    return try inner.select(logits).map(\.route)
  }

  /// The logits of all routers for the first image; those of stages that it did not reach mean nothing.
  func logits(_ buffers: InferenceBuffers) -> [[Float]] {
    guard let inner = pipeline.innerRouting, let logits = buffers.firstInnerLogits else {
      return buffers.firstLogits.map(Array.init)
    }
    return inner.logits(logits).map(Array.init)
  }

  /// One output of an image, `[...]`.
  func output(_ result: ModelOutput, _ values: [Float], _ transform: InputTransform?) -> any Output {
    let spec = pipeline.manifest.outputs[result.output]
    return kinds[result.output].output(spec: spec, shape: result.shape, values: values, transform: transform)
  }

  /// The answer for an image.
  ///
  /// - Parameters:
  ///   - logits: of each routed stage that the image reached.
  ///   - innerLogits: those of all routers, where they are inside of the graph.
  func answer(
    _ outputs: [any Output], last: Int, _ selections: [Selection], _ logits: [[Float]], innerLogits: [Float]?
  ) throws -> Answer {
    var (selections, logits) = (selections, logits)
    if let inner = pipeline.innerRouting, let innerLogits {
      (selections, logits) = try innerLogits.withUnsafeBufferPointer { row in
        (try inner.select(row), inner.logits(row).map(Array.init))
      }
    }
    return Answer(
      outputs: Outputs(outputs), selections: selections, routerLogits: logits, lastStage: pipeline.stages[last].name,
      classOutput: classOutputs[last])
  }

  /// The error for an answer that is not finite; `which` says of which image.
  static func notFinite(_ which: String, image: Int = 0) -> MVMoEError {
    MVMoEError(
      .routingNotFinite, "the answer\(which) holds a value that is not finite; check the weights of the model",
      fields: ["image": .integer(image)])
  }
}
