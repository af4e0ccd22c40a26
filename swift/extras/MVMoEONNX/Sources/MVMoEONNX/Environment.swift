import COnnxRuntime
import MVMoE

/// ONNX Runtime's environment, of which a process has one, and the pool of threads that it may have.
///
/// The pool is made with the environment, and its number of threads stays as it is. From then on ONNX Runtime refuses sessions
/// with pools of their own. Both stay until the process ends.
final class Environment: Sendable {
  static let shared = Environment()

  private struct State {
    var environment: OpaquePointer?

    /// The pool's number of threads, 0 for as many as ONNX Runtime chose; nil without a pool.
    var pool: Int?
  }

  private let state = Guarded(State())

  private init() {}

  /// Whether sessions have to use the process's pool.
  var hasPool: Bool { state.withLock { $0.pool != nil } }

  /// Makes the environment, and the pool if an engine wants that, unless they are there.
  ///
  /// - Throws: `MVMoEError` (`engine.option`) if there is a pool of another size, or one is wanted of an environment
  ///   without it; ``OrtError`` where ONNX Runtime refuses.
  func start(_ library: OrtLibrary, threads: Int?, wantsPool: Bool) throws {
    try state.withLock { state in
      if wantsPool || state.pool != nil { try Self.requirePool(library, threads: threads, &state) }
      if state.environment == nil { state.environment = try Self.make(library) }
    }
  }

  /// Work with the environment, which ``start(_:threads:wantsPool:)`` has made.
  func withPointer<Result>(_ body: (OpaquePointer?) throws -> Result) rethrows -> Result {
    try body(state.withLock { $0.environment })
  }

  private static func requirePool(_ library: OrtLibrary, threads: Int?, _ state: inout State) throws {
    let wanted = threads ?? 0
    if state.pool == nil {
      guard state.environment == nil else {
        throw refusal(
          "pool .process was given, but ONNX Runtime is in use in this process already, without that pool; "
            + "open this engine before anything else uses ONNX Runtime, or leave pool out")
      }
      state.environment = try make(library, poolOf: wanted)
      state.pool = wanted
    }
    guard let found = state.pool, found != wanted else { return }
    let size = found == 0 ? "as many as ONNX Runtime chose" : "\(found)"
    throw refusal(
      "threads \(threads.map(String.init) ?? "nil") was given, but this process has one pool for all graphs of ONNX Runtime, "
        + "with \(size); give that number, or use another process")
  }

  private static func make(_ library: OrtLibrary) throws -> OpaquePointer {
    try library.make { library.api.pointee.CreateEnv(ORT_LOGGING_LEVEL_ERROR, "mvmoe", &$0) }
  }

  private static func make(_ library: OrtLibrary, poolOf threads: Int) throws -> OpaquePointer {
    let api = library.api
    let options = try library.make { api.pointee.CreateThreadingOptions(&$0) }
    defer { api.pointee.ReleaseThreadingOptions(options) }
    if threads > 0 { try library.check(api.pointee.SetGlobalIntraOpNumThreads(options, Int32(threads))) }
    try library.check(api.pointee.SetGlobalInterOpNumThreads(options, 1))
    // Threads that wait for the next graph would use up a phone's battery.
    try library.check(api.pointee.SetGlobalSpinControl(options, 0))
    return try library.make {
      api.pointee.CreateEnvWithGlobalThreadPools(ORT_LOGGING_LEVEL_ERROR, "mvmoe", options, &$0)
    }
  }

  private static func refusal(_ message: String) -> MVMoEError {
    MVMoEError(.engineOption, message, fields: ["option": "pool"])
  }
}
