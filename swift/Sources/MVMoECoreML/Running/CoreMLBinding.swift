import MVMoE

/// A call over the dispatcher's tensors. What Core ML does not write there itself is copied.
final class CoreMLBinding: BoundGraph {
  private let graph: Graph
  private let call: any CoreMLCall
  private let outputs: [String: Tensor]
  private let errors: EngineErrors
  private let memory: OutputMemory
  private let presence: Presence

  init(
    _ graph: Graph, _ call: any CoreMLCall, _ outputs: [String: Tensor], errors: EngineErrors, memory: OutputMemory,
    presence: Presence
  ) {
    self.graph = graph
    self.call = call
    self.outputs = outputs
    self.errors = errors
    self.memory = memory
    self.presence = presence
  }

  /// In a task of its own, which is not cancelled with the caller's: Core ML ends the prediction of a task that is, from iOS 17
  /// on, and that would look as if the units had failed.
  func run() async throws {
    do {
      try await Task { try take(try await predict()) }.value
    } catch let ours as MVMoEError {
      throw ours
    } catch {
      throw errors.run(graph, error)
    }
  }

  private func predict() async throws -> [String: PredictedOutput] {
    guard memory.isProposed else { return try await call.predict(intoMemory: false) }
    do {
      return try await call.predict(intoMemory: true)
    } catch {
      guard let given = try? await call.predict(intoMemory: false) else { throw error }
      memory.refuse()
      return given
    }
  }

  private func take(_ given: [String: PredictedOutput]) throws {
    for spec in graph.outputs {
      guard let tensor = outputs[spec.name] else { continue }
      switch given[spec.name] {
      case .inPlace: continue
      case .array(let array): try take(array, spec, tensor)
      case nil: throw wrong(spec, "nothing")
      }
    }
  }

  private func take(_ array: any GivenArray, _ spec: TensorSpec, _ tensor: Tensor) throws {
    // Sizes of 1 have no effect on where numbers lie.
    let fits = array.shape.filter { $0 != 1 } == spec.shape.filter { $0 != 1 }
    guard fits, let type = NumberType(rawValue: array.type) else { throw wrong(spec, "\(array.type) \(array.shape)") }
    try array.read { bytes, strides in
      guard let numbers = StridedNumbers(bytes, type: type, shape: array.shape, strides: strides) else {
        throw wrong(spec, "\(array.type) \(array.shape) with the strides \(strides) in \(bytes.count) bytes")
      }
      numbers.copy(to: tensor)
    }
  }

  private func wrong(_ spec: TensorSpec, _ found: String) -> MVMoEError {
    MVMoEError(
      .engineWrongSignature,
      "graph \(graph.name) (\(graph.file)) gave \(found) for its output \(spec.name), but the manifest says "
        + "\(spec.dtype.rawValue) \(spec.shape); export the bundle again",
      fields: ["graph": .text(graph.name)])
  }
}
