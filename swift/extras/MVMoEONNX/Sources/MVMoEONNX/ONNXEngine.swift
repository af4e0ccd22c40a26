import Foundation
import MVMoE

/// Runs the ONNX graphs of a bundle with ONNX Runtime.
///
/// On Apple's systems ONNX Runtime comes with this package, on Linux from the system; it is of version 1.21 or later.
///
/// **Telemetry.** ONNX Runtime reports to Microsoft unless the environment variable `ORT_DISABLE_TELEMETRY` is `1` when it is
/// first used. The engine sets it, unless it is set; an application that uses ONNX Runtime before the engine sets it itself.
///
/// A graph runs in the task that asks for it: `await` returns when it is computed.
///
/// One engine may be given to any number of dispatchers, one after the other or at once.
public final class ONNXEngine: Engine {
  /// ONNX Runtime starts all threads that it is asked for: more would only cost memory.
  private static let mostThreads = 256

  /// What one graph may use, 1 to 256; nil leaves it to ONNX Runtime.
  public let threads: Int?

  /// What computes.
  public let provider: ExecutionProvider

  /// Whose threads compute.
  public let pool: ThreadPool

  let live = LiveObjects()

  /// An engine; its options are checked when it is opened.
  ///
  /// - Parameters:
  ///   - threads: What one graph may use, 1 to 256; nil leaves it to ONNX Runtime.
  ///   - provider: What computes; the CPU, unless it was measured that something else is better.
  ///   - pool: Whose threads compute.
  public init(threads: Int? = nil, provider: ExecutionProvider = .cpu, pool: ThreadPool = .session) {
    self.threads = threads
    self.provider = provider
    self.pool = pool
  }

  /// The release of ONNX Runtime that this process has: `1.24.2`.
  public static var version: String { OrtLibrary.release }

  /// `onnx`.
  public var format: String { "onnx" }

  /// How many sessions this engine has open: one for each graph in memory.
  public var sessionCount: Int { live.sessions.value }

  /// How many tensors of ONNX Runtime this engine has open, over the memory of the dispatchers' tensors.
  public var tensorCount: Int { live.tensors.value }

  /// How many sets of options are open: one for each runner.
  var optionsCount: Int { live.options.value }

  /// A runner of the target's graphs.
  ///
  /// - Throws: `MVMoEError`: `input.invalid` for a number of threads that is out of range, `engine.option` where this build of
  ///   ONNX Runtime lacks the provider, or the process's pool of threads is another one, `engine.unsupported-platform` where
  ///   ONNX Runtime is older than 1.21.
  public func open(root: URL, target: Target) async throws -> any Runner {
    try requireThreads()
    let library = try Self.library()
    let errors = EngineErrors(engine: "ONNX Runtime \(OrtLibrary.release)")
    do {
      return try ONNXRunner(root: root, library: library, provider: provider, errors: errors, live: live) { [self] in
        try options(library)
      }
    } catch let failure as OrtError {
      throw errors.start(failure)
    }
  }

  private func requireThreads() throws {
    guard let threads, !(1...Self.mostThreads).contains(threads) else { return }
    throw MVMoEError(.inputInvalid, "threads \(threads) was given; expected 1 to \(Self.mostThreads)")
  }

  private static func library() throws -> OrtLibrary {
    if let library = OrtLibrary.shared { return library }
    throw EngineErrors(engine: "ONNX Runtime").missingLibrary(
      "this process has ONNX Runtime \(OrtLibrary.release)", advice: "link ONNX Runtime 1.21 or later")
  }

  /// Options for every session, as Python's runner has them but for its arena.
  private func options(_ library: OrtLibrary) throws -> SessionOptions {
    try Environment.shared.start(library, threads: threads, wantsPool: pool == .process)
    try Providers.require(provider, library)
    let options = try SessionOptions(library, live: live.options)
    try options.setThreads(threads, provider: provider, hasPool: Environment.shared.hasPool)
    try options.setProvider(provider, threads: threads)
    return options
  }
}

extension Engine where Self == ONNXEngine {
  /// ONNX Runtime, with an engine of its own: see ``ONNXEngine/init(threads:provider:pool:)``.
  public static func onnx(
    threads: Int? = nil, provider: ExecutionProvider = .cpu, pool: ThreadPool = .session
  ) -> ONNXEngine {
    ONNXEngine(threads: threads, provider: provider, pool: pool)
  }
}
