/// What a graph may run on; the raw value is Core ML's name for it, which bundles' tools use too.
public enum ComputeUnits: String, Sendable, CaseIterable {
  /// The CPU alone: slow, exact, and there always, in the background too.
  case cpuOnly

  /// The CPU and the GPU. An app in the background may not use the GPU.
  case cpuAndGPU

  /// The CPU and the Neural Engine.
  case cpuAndNeuralEngine

  /// The CPU, the GPU and the Neural Engine: Core ML chooses.
  case all

  /// What is tried where these do not load a graph or answer wrongly, the fastest first: Neural Engine, then GPU, then CPU.
  public var fallbacks: [ComputeUnits] {
    switch self {
    case .all, .cpuAndNeuralEngine: [.cpuAndGPU, .cpuOnly]
    case .cpuAndGPU: [.cpuOnly]
    case .cpuOnly: []
    }
  }

  /// The unit that one hopes for, as plans name it.
  var hoped: String {
    switch self {
    case .all, .cpuAndNeuralEngine: PlannedOperation.neuralEngine
    case .cpuAndGPU: PlannedOperation.gpu
    case .cpuOnly: PlannedOperation.cpu
    }
  }
}
