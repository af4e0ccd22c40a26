import Foundation

/// https://developer.apple.com/documentation/coreml/mlcomputedevice
@available(iOS 17.0, macOS 14.0, *)
public enum MLComputeDevice: Sendable {
  /// https://developer.apple.com/documentation/coreml/mlcomputedevice/cpu(_:)
  case cpu(MLCPUComputeDevice)

  /// https://developer.apple.com/documentation/coreml/mlcomputedevice/gpu(_:)
  case gpu(MLGPUComputeDevice)

  /// https://developer.apple.com/documentation/coreml/mlcomputedevice/neuralengine(_:)
  case neuralEngine(MLNeuralEngineComputeDevice)

  /// https://developer.apple.com/documentation/coreml/mlcomputedevice/allcomputedevices
  public static var allComputeDevices: [MLComputeDevice] { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coreml/mlcpucomputedevice
@available(iOS 17.0, macOS 14.0, *)
open class MLCPUComputeDevice: NSObject, @unchecked Sendable {}

/// https://developer.apple.com/documentation/coreml/mlgpucomputedevice
@available(iOS 17.0, macOS 14.0, *)
open class MLGPUComputeDevice: NSObject, @unchecked Sendable {}

/// https://developer.apple.com/documentation/coreml/mlneuralenginecomputedevice
@available(iOS 17.0, macOS 14.0, *)
open class MLNeuralEngineComputeDevice: NSObject, @unchecked Sendable {}
