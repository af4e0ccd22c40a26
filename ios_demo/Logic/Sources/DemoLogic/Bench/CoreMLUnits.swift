/// What Core ML may run graphs on, what it uses by itself first; the raw value is Core ML's name for it.
public enum CoreMLUnits: String, Sendable, CaseIterable {
  case all
  case cpuAndNeuralEngine
  case cpuAndGPU
  case cpuOnly

  /// Tells it from the others in the names of subjects.
  var label: String {
    switch self {
    case .all: ""
    case .cpuAndNeuralEngine: "Neural Engine"
    case .cpuAndGPU: "GPU"
    case .cpuOnly: "CPU"
    }
  }

  /// For people.
  public var name: String {
    switch self {
    case .all: BenchPhrase.unitsAll.text
    case .cpuAndNeuralEngine: BenchPhrase.unitsNeuralEngine.text
    case .cpuAndGPU: BenchPhrase.unitsGpu.text
    case .cpuOnly: BenchPhrase.unitsCpu.text
    }
  }
}

/// What a device has of what Core ML uses.
public struct CoreMLDevice: Sendable, Hashable {
  /// Whether there is a Neural Engine.
  public var hasNeuralEngine: Bool

  /// Whether it is a simulator: its GPU is the Mac's, and it has given random results.
  public var isSimulator: Bool

  /// A device.
  public init(hasNeuralEngine: Bool = true, isSimulator: Bool = false) {
    self.hasNeuralEngine = hasNeuralEngine
    self.isSimulator = isSimulator
  }

  /// Why units cannot be measured here, where Core ML goes on with others without a word.
  func missing(_ units: CoreMLUnits) -> Missing? {
    switch units {
    case .cpuOnly: nil
    case .cpuAndGPU: isSimulator ? .notOnDevice(units.label) : nil
    case .all: isSimulator ? .notOnDevice(CoreMLUnits.cpuAndNeuralEngine.label) : nil
    case .cpuAndNeuralEngine: isSimulator || !hasNeuralEngine ? .notOnDevice(units.label) : nil
    }
  }
}
