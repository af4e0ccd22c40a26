import Foundation
import MVMoE

/// Runs the graphs of an `onnx` target, one session each.
final class ONNXRunner: Runner {
  let provider: String
  private let root: URL
  private let library: OrtLibrary
  private let newOptions: @Sendable () throws -> SessionOptions
  private let options: SessionOptions
  private let tensors: SharedTensors
  private let errors: EngineErrors
  private let live: LiveObjects

  /// `newOptions` makes options as the engine has them.
  init(
    root: URL, library: OrtLibrary, provider: ExecutionProvider, errors: EngineErrors, live: LiveObjects,
    newOptions: @escaping @Sendable () throws -> SessionOptions
  ) throws {
    self.root = root
    self.library = library
    self.newOptions = newOptions
    options = try newOptions()
    self.provider = provider.name
    self.errors = errors
    self.live = live
    tensors = try SharedTensors(library, live: live.tensors)
  }

  var engineName: String { "\(errors.engine) (\(provider))" }

  func load(_ graph: Graph) async throws -> any LoadedGraph { try loaded(graph, options) }

  /// A session for a graph, compared with the manifest.
  private func loaded(_ graph: Graph, _ options: SessionOptions) throws -> ONNXGraph {
    let session: Session
    let inputs: [Signature]
    let outputs: [Signature]
    do {
      let path = root.appending(path: graph.file).path
      session = try Session(path: path, options: options, library: library, live: live.sessions)
      inputs = try session.inputs()
      outputs = try session.outputs()
    } catch {
      throw errors.load(graph, error)
    }
    try errors.requireSignature(graph, inputs: inputs, outputs: outputs)
    return ONNXGraph(graph: graph, session: session, tensors: tensors, errors: errors)
  }
}

extension ONNXRunner: ReportsPlacement {
  func placement(_ graph: Graph) async throws -> GraphPlacement {
    let folder = FileManager.default.temporaryDirectory.appending(path: "mvmoe-profile-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      return Profile.placement(try await profile(graph, folder), preferred: provider)
    } catch let failure as MVMoEError {
      throw failure
    } catch {
      throw errors.run(graph, error)
    }
  }

  /// What ONNX Runtime writes of one run of a graph, on zeros.
  private func profile(_ graph: Graph, _ folder: URL) async throws -> String {
    let recording = try newOptions()
    try recording.enableProfiling(folder.appending(path: "profile").path)
    let loaded = try loaded(graph, recording)
    try await loaded.bind(inputs: zeros(graph.inputs), outputs: zeros(graph.outputs)).run()
    return try String(contentsOf: URL(filePath: try loaded.endProfiling()), encoding: .utf8)
  }

  private func zeros(_ specs: [TensorSpec]) -> [String: Tensor] {
    Dictionary(specs.map { ($0.name, Tensor(dtype: $0.dtype, shape: $0.shape)) }, uniquingKeysWith: { $1 })
  }
}
