import Foundation
import MVMoE

/// Runs the methods of an `executorch` target, a module each. It holds nothing native itself.
final class ExecuTorchRunner: Runner {
  let provider: String
  private let root: URL
  private let programs: any ExecuTorchPrograms
  private let modules: ModuleCount
  private let errors = EngineErrors(engine: "ExecuTorch")

  init(root: URL, delegate: String, programs: any ExecuTorchPrograms, modules: ModuleCount) {
    self.root = root
    provider = delegate
    self.programs = programs
    self.modules = modules
  }

  var engineName: String { "\(errors.engine) (\(provider))" }

  func load(_ graph: Graph) async throws -> any LoadedGraph {
    let module: OwnedModule
    do {
      module = try await OwnedModule.load(
        root.appendingPathComponent(graph.file), graph.entry ?? graph.name, programs: programs, modules: modules)
    } catch {
      throw errors.load(graph, error)
    }
    try requireSignature(graph, module)
    return ExecuTorchGraph(graph, module, errors: errors)
  }

  /// A method knows its inputs and outputs by their position: they have the manifest's names here.
  private func requireSignature(_ graph: Graph, _ module: OwnedModule) throws {
    try module.withMethod { method in
      try errors.requireSignature(
        graph, inputs: signatures(graph.inputs, method.inputs), outputs: signatures(graph.outputs, method.outputs))
    }
  }
}

/// What a method has, as the manifest's tensors at the same places.
func signatures(_ specs: [TensorSpec], _ found: [MethodTensor?]) -> [Signature] {
  found.enumerated().map { place, tensor in
    let name = specs.indices.contains(place) ? specs[place].name : "number \(place)"
    return Signature(name: name, shape: tensor?.shape ?? [], dtype: tensor?.type ?? "no tensor")
  }
}
