#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// ONNX Runtime's telemetry, which is off unless the application chose otherwise.
///
/// Its official builds write a device identifier and a database of events below the user's cache, and look up a host of
/// Microsoft's, when they are first used. The environment variable is their documented switch (`Privacy.md` in ONNX
/// Runtime's package), and is read then.
enum Telemetry {
  static let variable = "ORT_DISABLE_TELEMETRY"

  /// Switches it off, unless the variable is set.
  static func disable() { setenv(variable, "1", 0) }
}
