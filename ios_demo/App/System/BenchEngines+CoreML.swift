import CoreML
import DemoLogic
import MVMoEBench
import MVMoECoreML

extension BenchEngines {
  /// Core ML on each choice of compute units alone: what other units answer in their place would be another's figure.
  static var coreML: BenchEngines {
    let device = CoreMLDevice.this
    return BenchEngines(
      CoreMLUnits.allCases.map { units in
        .coreML(units, on: device) { _ in
          // Both have Core ML's own names.
          CoreMLEngine(
            CoreMLOptions(computeUnits: ComputeUnits(rawValue: units.rawValue) ?? .all, fallsBack: false))
        }
      })
  }
}

extension CoreMLDevice {
  /// This one.
  fileprivate static var this: CoreMLDevice {
    let hasNeuralEngine = MLComputeDevice.allComputeDevices.contains { device in
      if case .neuralEngine = device { true } else { false }
    }
    #if targetEnvironment(simulator)
      return CoreMLDevice(hasNeuralEngine: hasNeuralEngine, isSimulator: true)
    #else
      return CoreMLDevice(hasNeuralEngine: hasNeuralEngine)
    #endif
  }
}
