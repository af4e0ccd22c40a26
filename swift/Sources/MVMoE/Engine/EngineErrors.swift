/// The errors that every engine has, in the same words: for those who write an ``Engine``.
public struct EngineErrors: Sendable {
  /// The engine's name with its version, for people: `ONNX Runtime 1.29.0`.
  public let engine: String

  /// Errors of this engine.
  public init(engine: String) { self.engine = engine }

  /// For an engine that does not start with the options that it was given: `engine.failed`, or the limit that was met.
  public func start(_ cause: any Error) -> MVMoEError { failed(.engineFailed, nil, "\(engine) does not start", cause) }

  /// As that of an error, where the engine only says why.
  public func start(_ cause: String) -> MVMoEError { start(EngineMessage(cause)) }

  /// For a graph that the engine refuses: `engine.load-failed`, or the limit that was met.
  public func load(_ graph: Graph, _ cause: any Error) -> MVMoEError {
    failed(.engineLoadFailed, graph, "\(described(graph)) does not load in \(engine)", cause)
  }

  /// As that of an error, where the engine only says why.
  public func load(_ graph: Graph, _ cause: String) -> MVMoEError { load(graph, EngineMessage(cause)) }

  /// For a graph that does not run: `engine.run-failed`, or the limit that was met.
  public func run(_ graph: Graph, _ cause: any Error) -> MVMoEError {
    failed(.engineRunFailed, graph, "graph \(graph.name) failed in \(engine)", cause)
  }

  /// As that of an error, where the engine only says why.
  public func run(_ graph: Graph, _ cause: String) -> MVMoEError { run(graph, EngineMessage(cause)) }

  /// For an engine whose native library this process lacks: `engine.unsupported-platform`.
  ///
  /// `advice` says what the application has to add.
  public func missingLibrary(_ cause: any Error, advice: String) -> MVMoEError {
    let reason = firstLine(chain(cause).last ?? cause)
    let sentence = "\(engine) has no native library that runs here, on \(platform()) (\(reason)); \(advice)"
    return MVMoEError(.engineUnsupportedPlatform, sentence, cause: cause)
  }

  /// As that of an error, where the system only says why.
  public func missingLibrary(_ cause: String, advice: String) -> MVMoEError {
    missingLibrary(EngineMessage(cause), advice: advice)
  }

  /// Refuses a graph whose inputs or outputs are not the manifest's.
  ///
  /// - Throws: ``MVMoEError`` (`engine.wrong-signature`).
  public func requireSignature(_ graph: Graph, inputs: [Signature], outputs: [Signature]) throws {
    try requireSignature(graph, "inputs", graph.inputs, inputs)
    try requireSignature(graph, "outputs", graph.outputs, outputs)
  }

  /// Refuses tensors that are not what the manifest says of a graph's.
  ///
  /// - Throws: ``MVMoEError`` (`input.shape`).
  public func requireTensors(_ graph: Graph, inputs: [String: Tensor], outputs: [String: Tensor]) throws {
    for spec in graph.inputs { try requireTensor(graph, spec, inputs[spec.name]) }
    for spec in graph.outputs { try requireTensor(graph, spec, outputs[spec.name]) }
  }

  private func failed(_ code: ErrorCode, _ graph: Graph?, _ what: String, _ cause: any Error) -> MVMoEError {
    if let limit = Limit.of(cause) { return MVMoEError(limit.code, "\(what): \(limit.advice)", cause: cause) }
    let fields: [String: ErrorValue] = graph.map { ["graph": .text($0.name)] } ?? [:]
    return MVMoEError(code, "\(what): \(firstLine(cause))", fields: fields, cause: cause)
  }

  private func requireSignature(_ graph: Graph, _ kind: String, _ specs: [TensorSpec], _ found: [Signature]) throws {
    let byName = Dictionary(found.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    if found.count == specs.count, specs.allSatisfy({ byName[$0.name]?.fits($0) == true }) { return }
    let declared = specs.map { Signature(name: $0.name, shape: $0.shape, dtype: $0.dtype.rawValue) }
    let sentence = "\(described(graph)) has the \(kind) \(found), but the manifest says \(declared)"
    throw MVMoEError(
      .engineWrongSignature, "\(sentence); export the bundle again", fields: ["graph": .text(graph.name)])
  }

  private func requireTensor(_ graph: Graph, _ spec: TensorSpec, _ tensor: Tensor?) throws {
    let bytes = byteCount(of: spec.shape, spec.dtype)
    if let tensor, tensor.dtype == spec.dtype, tensor.shape == spec.shape, tensor.bytes.count == bytes { return }
    let given = tensor.map { "\($0.dtype.rawValue) \($0.shape) in \($0.bytes.count) bytes" } ?? "nothing"
    let expected = "\(spec.dtype.rawValue) \(spec.shape) in \(bytes) bytes"
    throw MVMoEError(
      .inputShape, "tensor \(spec.name) of graph \(graph.name) was given as \(given); expected \(expected)",
      fields: ["expected": .shape(spec.shape), "found": tensor.map { .shape($0.shape) } ?? .none])
  }

  private func described(_ graph: Graph) -> String { "graph \(graph.name) (\(graph.file))" }
}

/// What an engine or the system says where it throws nothing.
private struct EngineMessage: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
