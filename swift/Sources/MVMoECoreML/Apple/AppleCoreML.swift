#if canImport(CoreML)
  import CoreML
  import Foundation
  import MVMoE

  /// Core ML itself.
  struct AppleCoreML: CoreMLSystem {
    var version: SystemVersion {
      let version = ProcessInfo.processInfo.operatingSystemVersion
      return SystemVersion(
        name: systemName, major: version.majorVersion, minor: version.minorVersion, patch: version.patchVersion)
    }

    var isSimulator: Bool {
      #if targetEnvironment(simulator)
        true
      #else
        false
      #endif
    }

    var hasNeuralEngine: Bool {
      MLComputeDevice.allComputeDevices.contains { device in
        if case .neuralEngine = device { true } else { false }
      }
    }

    func compile(_ package: URL) async throws -> URL { try await MLModel.compileModel(at: package) }

    func functionNames(of compiled: URL) async throws -> [String] {
      guard #available(iOS 18.0, macOS 15.0, *) else { return [] }
      return try await MLModelAsset(url: compiled).functionNames
    }

    func load(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> any CoreMLModel {
      AppleModel(try await MLModel.load(contentsOf: compiled, configuration: configuration.native()))
    }

    func plan(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> [String: [PlannedOperation]]? {
      guard #available(iOS 17.4, macOS 14.4, *) else { return nil }
      return try await plannedOperations(compiled, configuration.native())
    }

    private var systemName: String {
      #if os(macOS)
        "macOS"
      #elseif os(tvOS)
        "tvOS"
      #elseif os(visionOS)
        "visionOS"
      #else
        "iOS"
      #endif
    }
  }

  extension ModelConfiguration {
    /// It in Core ML's words.
    fileprivate func native() -> MLModelConfiguration {
      let native = MLModelConfiguration()
      native.computeUnits = units.native
      native.modelDisplayName = displayName
      if #available(iOS 18.0, macOS 15.0, *) {
        native.functionName = function
        if prefersFastPrediction { native.optimizationHints.specializationStrategy = .fastPrediction }
      }
      return native
    }
  }

  extension ComputeUnits {
    fileprivate var native: MLComputeUnits {
      switch self {
      case .cpuOnly: .cpuOnly
      case .cpuAndGPU: .cpuAndGPU
      case .cpuAndNeuralEngine: .cpuAndNeuralEngine
      case .all: .all
      }
    }
  }
#endif
