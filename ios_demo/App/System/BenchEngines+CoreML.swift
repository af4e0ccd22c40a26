import DemoLogic
import MVMoEBench
import MVMoECoreML

extension BenchEngines {
  /// Core ML on each choice of compute units alone: what other units answer in their place would be another's figure.
  static var coreML: BenchEngines {
    BenchEngines(
      CoreMLUnits.allCases.map { units in
        .coreML(units) { _ in
          // Both have Core ML's own names.
          CoreMLEngine(
            CoreMLOptions(computeUnits: ComputeUnits(rawValue: units.rawValue) ?? .all, fallsBack: false))
        }
      })
  }
}
