import COnnxRuntime

/// The functions of ONNX Runtime's C API.
///
/// It is `@unchecked Sendable` because it is a table of functions that nobody writes, of a library that stays loaded.
struct OrtLibrary: @unchecked Sendable {
  /// Of ONNX Runtime 1.21. Later libraries have it too, and every function of it.
  static let version: UInt32 = 21

  /// The library of this process; nil where it is older than ``version``.
  static let shared = OrtLibrary()

  /// What ONNX Runtime calls the release: `1.24.2`.
  static var release: String { text(OrtGetApiBase()?.pointee.GetVersionString()) }

  /// The functions. Those that give a status are called in ``check(_:)``, ``make(_:)`` or ``string(_:)``.
  let api: UnsafePointer<OrtApi>

  private init?() {
    Telemetry.disable()
    guard let api = OrtGetApiBase()?.pointee.GetApi(Self.version) else { return nil }
    self.api = api
  }

  /// Frees the status of a call.
  ///
  /// - Throws: ``OrtError`` where the call failed.
  func check(_ status: OrtStatusPtr?) throws {
    guard let status else { return }
    defer { api.pointee.ReleaseStatus(status) }
    throw OrtError(message: Self.text(api.pointee.GetErrorMessage(status)))
  }

  /// The object that a call makes, which is the caller's to free.
  ///
  /// - Throws: ``OrtError`` where the call failed.
  func make(_ call: (inout OpaquePointer?) -> OrtStatusPtr?) throws -> OpaquePointer {
    var made: OpaquePointer?
    try check(call(&made))
    guard let made else { throw OrtError(message: "ONNX Runtime gave nothing") }
    return made
  }

  /// The text that a call makes with ONNX Runtime's own allocator.
  ///
  /// - Throws: ``OrtError`` where the call failed.
  func string(
    _ call: (UnsafeMutablePointer<OrtAllocator>?, inout UnsafeMutablePointer<CChar>?) -> OrtStatusPtr?
  ) throws -> String {
    var allocator: UnsafeMutablePointer<OrtAllocator>?
    try check(api.pointee.GetAllocatorWithDefaultOptions(&allocator))
    var made: UnsafeMutablePointer<CChar>?
    try check(call(allocator, &made))
    guard let made else { throw OrtError(message: "ONNX Runtime gave no text") }
    defer { try? check(api.pointee.AllocatorFree(allocator, made)) }
    return String(cString: made)
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
}
