import COnnxRuntime
import MVMoE

/// Options for every session of a runner.
///
/// They are `@unchecked Sendable` because they are written before anyone else has them; sessions only read them.
final class SessionOptions: @unchecked Sendable {
  let pointer: OpaquePointer
  private let library: OrtLibrary
  private let live: LiveCount

  /// Options with nothing but what every session has.
  init(_ library: OrtLibrary, live: LiveCount) throws {
    self.library = library
    self.live = live
    pointer = try library.make { library.api.pointee.CreateSessionOptions(&$0) }
    live.add(1)
    try library.check(library.api.pointee.SetSessionLogSeverityLevel(pointer, Int32(ORT_LOGGING_LEVEL_ERROR.rawValue)))
    // Without an arena an expert works in the memory that the stem has just freed, which is still in the caches, and resident
    // experts hold no buffers of their own.
    try library.check(library.api.pointee.DisableCpuMemArena(pointer))
  }

  deinit {
    library.api.pointee.ReleaseSessionOptions(pointer)
    live.add(-1)
  }

  /// Sets ONNX Runtime's own threads; XNNPACK has others.
  func setThreads(_ threads: Int?, provider: ExecutionProvider, hasPool: Bool) throws {
    if hasPool { try library.check(library.api.pointee.DisablePerSessionThreads(pointer)) }
    if provider == .xnnpack {
      try setIntraOpThreads(1)
      try setEntry("session.intra_op.allow_spinning", "0")
    } else if let threads {
      try setIntraOpThreads(threads)
    }
    // Each session has threads of its own, which spin for a while after a run: those of the stem would take the cores from the
    // expert's. So they stop with the run.
    try setEntry("session.force_spinning_stop", "1")
  }

  /// Adds what computes before the CPU does.
  func setProvider(_ provider: ExecutionProvider, threads: Int?) throws {
    switch provider {
    case .cpu: break
    case .xnnpack: try add("XNNPACK", threads.map { [("intra_op_num_threads", String($0))] } ?? [])
    case .coreML(let units):
      let staticShapes = ("RequireStaticInputShapes", "1")
      try add("CoreML", [("ModelFormat", "MLProgram"), ("MLComputeUnits", units.rawValue), staticShapes])
    }
  }

  /// Lets the session write what it does into a file whose path begins so.
  func enableProfiling(_ path: String) throws {
    try library.check(library.api.pointee.EnableProfiling(pointer, path))
  }

  /// An entry of the configuration; nil where it was not set.
  func entry(_ key: String) throws -> String? {
    var isThere: Int32 = 0
    try library.check(library.api.pointee.HasSessionConfigEntry(pointer, key, &isThere))
    guard isThere != 0 else { return nil }
    var size = 0
    try library.check(library.api.pointee.GetSessionConfigEntry(pointer, key, nil, &size))
    var text = [CChar](repeating: 0, count: size)
    try library.check(library.api.pointee.GetSessionConfigEntry(pointer, key, &text, &size))
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private func setIntraOpThreads(_ threads: Int) throws {
    try library.check(library.api.pointee.SetIntraOpNumThreads(pointer, Int32(threads)))
  }

  private func setEntry(_ key: String, _ value: String) throws {
    try library.check(library.api.pointee.AddSessionConfigEntry(pointer, key, value))
  }

  private func add(_ provider: String, _ options: [(key: String, value: String)]) throws {
    let keys = CStrings(options.map(\.key))
    let values = CStrings(options.map(\.value))
    try library.check(
      library.api.pointee.SessionOptionsAppendExecutionProvider(
        pointer, provider, keys.pointers.baseAddress, values.pointers.baseAddress, options.count))
  }
}
