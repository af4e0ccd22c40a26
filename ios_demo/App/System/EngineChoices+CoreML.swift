import DemoLogic
import MVMoE
import MVMoECoreML

extension EngineChoices {
  /// Core ML on each choice of compute units, the Neural Engine first.
  static var coreML: EngineChoices {
    EngineChoices(
      choice(.cpuAndNeuralEngine, "Core ML: CPU and Neural Engine"),
      choice(.cpuAndGPU, "Core ML: CPU and GPU"),
      choice(.cpuOnly, "Core ML: CPU"),
      choice(.all, "Core ML: all units"))
  }

  /// What a choice of units refuses, or answers wrongly, goes on with the next ones: so the GPU may come in for any but the
  /// CPU alone.
  private static func choice(_ units: ComputeUnits, _ name: String) -> EngineChoice {
    EngineChoice(
      id: units.rawValue, name: name, usesGPU: units != .cpuOnly,
      engine: { CoreMLEngine(CoreMLOptions(computeUnits: units)) },
      open: { bundle, options in
        try await CoreMLEngine(CoreMLOptions(computeUnits: units)).opened(bundle, options: options).dispatcher
      })
  }
}
