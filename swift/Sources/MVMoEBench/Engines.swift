import MVMoE

/// Makes the engines that subjects are measured with.
public protocol Engines: Sendable {
  /// An engine for targets of a format.
  ///
  /// - Parameters:
  ///   - format: As a manifest has it: `onnx`.
  ///   - threads: What one graph may use.
  ///   - options: Of the engine, as ``EngineVariant/options`` or the order has them: `["units": "cpu"]`.
  /// - Throws: `MVMoEError` for an option that the engine does not have (`engine.option`), and where there is no
  ///   engine of the format (`engine.unsupported-platform`).
  func engine(format: String, threads: Int, options: [String: String]) throws -> any Engine
}
