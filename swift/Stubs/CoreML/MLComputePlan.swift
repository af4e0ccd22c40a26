import Foundation

/// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n
@available(iOS 17.4, macOS 14.4, *)
public class MLComputePlan {
  init(nothing: ()) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/load(contentsof:configuration:)
  public static func load(contentsOf url: URL, configuration: MLModelConfiguration) async throws -> MLComputePlan {
    fatalError("a stub")
  }

  /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/modelstructure
  public var modelStructure: MLModelStructure { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/deviceusage(for:)-7cdlm
  public func deviceUsage(for operation: MLModelStructure.Program.Operation) -> MLComputePlan.DeviceUsage? {
    fatalError("a stub")
  }

  /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/estimatedcost(of:)
  public func estimatedCost(of operation: MLModelStructure.Program.Operation) -> MLComputePlan.Cost? {
    fatalError("a stub")
  }

  /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/deviceusage
  public struct DeviceUsage: Sendable {
    /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/deviceusage/preferred
    public let preferred: MLComputeDevice
  }

  /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/cost
  public struct Cost: Sendable {
    /// https://developer.apple.com/documentation/coreml/mlcomputeplan-1w21n/cost/weight
    public let weight: Double
  }
}

/// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum
@available(iOS 17.4, macOS 14.4, *)
public enum MLModelStructure: Sendable {
  /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/neuralnetwork(_:)
  case neuralNetwork(NeuralNetwork)

  /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program(_:)
  case program(Program)

  /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/pipeline(_:)
  case pipeline(Pipeline)

  /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/unsupported
  case unsupported

  /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/neuralnetwork
  public struct NeuralNetwork: Sendable {}

  /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/pipeline
  public struct Pipeline: Sendable {}

  /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program
  public struct Program: Sendable {
    /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/functions
    public let functions: [String: Function]

    /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/function
    public struct Function: Sendable {
      /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/function/block
      public let block: Block
    }

    /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/block
    public struct Block: Sendable {
      /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/block/operations
      public let operations: [Operation]
    }

    /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/operation
    public struct Operation: Sendable {
      /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/operation/operatorname
      public let operatorName: String

      /// https://developer.apple.com/documentation/coreml/mlmodelstructure-swift.enum/program/operation/blocks
      public let blocks: [Block]
    }
  }
}
