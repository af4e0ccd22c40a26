#if canImport(CoreML)
  import Foundation
  import MVMoE
  import MVMoEBench
  import MVMoECoreML

  /// Core ML, with the option `compute_units`.
  struct RunnerEngines: Engines {
    private static let format = "coreml"
    private static let option = "compute_units"

    /// Core ML chooses how many threads the CPU has.
    func engine(format: String, threads: Int, options: [String: String]) throws -> any Engine {
      guard format == Self.format else { throw unknownFormat(format, runs: Self.format) }
      var units = ComputeUnits.all
      for (name, value) in options.sorted(by: { $0.key < $1.key }) {
        guard name == Self.option, let found = ComputeUnits(rawValue: value) else {
          throw unknownOption(
            "\(name)=\(value)", expected: ComputeUnits.allCases.map { "\(Self.option)=\($0.rawValue)" })
        }
        units = found
      }
      // Each choice is measured as it is: what other units answer would be another's figure.
      return .coreML(computeUnits: units, fallsBack: false)
    }

    /// The engine that nothing was asked of.
    static func usual(threads: Int?) throws -> any Engine { .coreML() }

    /// How this program runs which format.
    static func variants() -> [EngineVariant] {
      let ways: KeyValuePairs<ComputeUnits, String> = [
        .all: "", .cpuAndNeuralEngine: "Neural Engine", .cpuAndGPU: "GPU", .cpuOnly: "CPU",
      ]
      return ways.map { units, label in
        EngineVariant(
          format: format, engine: "Core ML, Swift", provider: units.rawValue, options: [option: units.rawValue],
          label: label)
      }
    }

    /// Versions by name.
    static func packages() -> [String: String] { [:] }
  }
#endif
