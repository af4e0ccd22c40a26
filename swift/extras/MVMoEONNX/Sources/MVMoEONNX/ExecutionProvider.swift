/// What of ONNX Runtime computes a graph's nodes; those that it does not take run on the CPU.
public enum ExecutionProvider: Sendable, Hashable {
  /// ONNX Runtime's own kernels, in every build of it.
  case cpu

  /// XNNPACK's kernels, with threads of their own: as many as the engine has been given.
  ///
  /// ONNX Runtime's own threads, which would take their cores, are then one, which does not spin.
  case xnnpack

  /// Core ML, which compiles the pieces of a graph that it takes when the graph is loaded.
  ///
  /// It is there for comparisons with the Core ML engine of this package. Measure before it ships, and call
  /// `Dispatcher.check()` on each device.
  case coreML(ComputeUnits = .all)

  /// What Core ML may use.
  public enum ComputeUnits: String, Sendable, Hashable, CaseIterable {
    /// All that the device has.
    case all = "ALL"

    /// The CPU and the Neural Engine.
    case cpuAndNeuralEngine = "CPUAndNeuralEngine"

    /// The CPU and the GPU.
    case cpuAndGPU = "CPUAndGPU"

    /// The CPU alone.
    case cpuOnly = "CPUOnly"
  }

  /// Its name in ONNX Runtime, without the suffix: `CPU`.
  public var name: String {
    switch self {
    case .cpu: "CPU"
    case .xnnpack: "XNNPACK"
    case .coreML: "CoreML"
    }
  }
}

extension ExecutionProvider: CustomStringConvertible {
  public var description: String { name }
}
