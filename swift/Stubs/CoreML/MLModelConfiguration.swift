import Foundation

/// https://developer.apple.com/documentation/coreml/mlcomputeunits
public enum MLComputeUnits: Int, @unchecked Sendable {
  /// https://developer.apple.com/documentation/coreml/mlcomputeunits/cpuonly
  case cpuOnly = 0

  /// https://developer.apple.com/documentation/coreml/mlcomputeunits/cpuandgpu
  case cpuAndGPU = 1

  /// https://developer.apple.com/documentation/coreml/mlcomputeunits/all
  case all = 2

  /// https://developer.apple.com/documentation/coreml/mlcomputeunits/cpuandneuralengine
  @available(iOS 16.0, macOS 13.0, *)
  case cpuAndNeuralEngine = 3
}

/// https://developer.apple.com/documentation/coreml/mlmodelconfiguration
open class MLModelConfiguration: NSObject {
  public override init() {}

  /// https://developer.apple.com/documentation/coreml/mlmodelconfiguration/computeunits
  open var computeUnits: MLComputeUnits = .all

  /// https://developer.apple.com/documentation/coreml/mlmodelconfiguration/modeldisplayname
  @available(iOS 16.0, macOS 13.0, *)
  open var modelDisplayName: String?

  /// https://developer.apple.com/documentation/coreml/mlmodelconfiguration/functionname
  @available(iOS 18.0, macOS 15.0, *)
  open var functionName: String?

  /// https://developer.apple.com/documentation/coreml/mlmodelconfiguration/optimizationhints-1oq0g
  @available(iOS 17.4, macOS 14.4, *)
  public var optimizationHints: MLOptimizationHints {
    get { fatalError("a stub") }
    set { fatalError("a stub") }
  }
}

/// https://developer.apple.com/documentation/coreml/mloptimizationhints-swift.struct
@available(iOS 17.4, macOS 14.4, *)
public struct MLOptimizationHints {
  /// https://developer.apple.com/documentation/coreml/mloptimizationhints-swift.struct/init()
  public init() {}

  /// https://developer.apple.com/documentation/coreml/mloptimizationhints-swift.struct/specializationstrategy-swift.enum
  @available(iOS 18.0, macOS 15.0, *)
  public enum SpecializationStrategy {
    case `default`

    /// https://developer.apple.com/documentation/coreml/mloptimizationhints-swift.struct/specializationstrategy-swift.enum/fastprediction
    case fastPrediction
  }

  /// https://developer.apple.com/documentation/coreml/mloptimizationhints-swift.struct/specializationstrategy-swift.property
  @available(iOS 18.0, macOS 15.0, *)
  public var specializationStrategy: SpecializationStrategy {
    get { fatalError("a stub") }
    set { fatalError("a stub") }
  }
}

/// https://developer.apple.com/documentation/coreml/mlpredictionoptions
open class MLPredictionOptions: NSObject {
  public override init() {}

  /// https://developer.apple.com/documentation/coreml/mlpredictionoptions/outputbackings
  @available(iOS 16.0, macOS 11.0, *)
  open var outputBackings: [String: Any] = [:]
}
