import Foundation
import MVMoE

/// Runs the ExecuTorch graphs of a bundle.
///
/// The app adds ExecuTorch's delegates and kernels that the bundle's target was lowered to (`backend_xnnpack`,
/// `backend_coreml`, `kernels_optimized`, ...), and links with `-all_load`: they register themselves when the app starts. One
/// that is missing shows when a graph is loaded.
///
/// Each graph in memory is a module of its own over the same mapped file. What a delegate makes of weights when a graph loads
/// (XNNPACK packs them) each graph has for itself.
///
/// A graph runs in the task that asks for it, and runs of one graph wait for each other: it has one set of buffers.
///
/// One engine may be given to any number of dispatchers, one after the other or at once.
public final class ExecuTorchEngine: Engine {
  private let programs: any ExecuTorchPrograms
  private let modules = ModuleCount()

  /// An engine.
  public convenience init() {
    #if canImport(ExecuTorch)
      self.init(programs: AppleExecuTorch())
    #else
      self.init(programs: MissingExecuTorch())
    #endif
  }

  init(programs: any ExecuTorchPrograms) { self.programs = programs }

  /// `executorch`.
  public var format: String { "executorch" }

  /// How many modules of ExecuTorch this engine has open: one for each graph in memory.
  public var moduleCount: Int { modules.value }

  /// A runner of the target's graphs.
  ///
  /// - Throws: `MVMoEError` where this build has no ExecuTorch (`engine.unsupported-platform`).
  public func open(root: URL, target: Target) async throws -> any Runner {
    if programs is MissingExecuTorch { throw MissingExecuTorch.error }
    return ExecuTorchRunner(root: root, delegate: Self.delegate(of: target), programs: programs, modules: modules)
  }

  /// What the target was lowered to; ExecuTorch's own kernels, `portable`, are no delegate.
  private static func delegate(of target: Target) -> String {
    guard case .text(let delegate)? = target.options["delegate"] else { return "portable" }
    return delegate
  }
}

extension Engine where Self == ExecuTorchEngine {
  /// ExecuTorch, with an engine of its own.
  public static func executorch() -> ExecuTorchEngine { ExecuTorchEngine() }
}
