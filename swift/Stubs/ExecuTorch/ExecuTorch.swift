// ExecuTorch's Objective-C API as Swift sees it, with its Swift overlay; the folder of all that is cited is
// https://github.com/pytorch/executorch/tree/v1.4.1/extension/apple/ExecuTorch/Exported

import Foundation

/// ExecuTorchTensor.h
public enum DataType: Int8, @unchecked Sendable {
  case byte, char, short, int, long, half, float, double, complexHalf, complexFloat, complexDouble, bool
  case qInt8, quInt8, qInt32, bFloat16
}

/// ExecuTorchTensor.h
public enum ShapeDynamism: UInt8, @unchecked Sendable {
  case `static`, dynamicBound, dynamicUnbound
}

/// ExecuTorchTensor.h
public final class AnyTensor: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// ExecuTorchTensor.h
  public var dataType: DataType { fatalError("a stub") }

  /// ExecuTorch+Tensor.swift
  public var shape: [Int] { fatalError("a stub") }

  /// ExecuTorchTensor.h
  public func bytes(_ handler: (UnsafeRawPointer, Int, DataType) -> Void) { fatalError("a stub") }

  /// ExecuTorch+Tensor.swift
  public convenience init(
    bytesNoCopy pointer: UnsafeMutableRawPointer, shape: [Int], strides: [Int] = [], dimensionOrder: [Int] = [],
    dataType: DataType, shapeDynamism: ShapeDynamism = .dynamicBound
  ) { fatalError("a stub") }
}

/// ExecuTorchValue.h
public final class Value: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// ExecuTorchValue.h
  public convenience init(_ value: AnyTensor) { fatalError("a stub") }

  /// ExecuTorch+Value.swift
  public var anyTensor: AnyTensor? { fatalError("a stub") }
}

/// ExecuTorch+Value.swift
public protocol ValueConvertible {
  func asValue() -> Value
}

/// ExecuTorch+Value.swift
extension Value: ValueConvertible {
  public func asValue() -> Value { self }
}

/// ExecuTorchModule.h
public final class TensorMetadata: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// ExecuTorch+Module.swift
  public var shape: [Int] { fatalError("a stub") }

  /// ExecuTorchModule.h
  public var dataType: DataType { fatalError("a stub") }
}

/// ExecuTorchModule.h
public final class MethodMetadata: NSObject {
  init(nothing: ()) { fatalError("a stub") }

  /// ExecuTorch+Module.swift
  public var inputTensorMetadata: [Int: TensorMetadata] { fatalError("a stub") }

  /// ExecuTorch+Module.swift
  public var outputTensorMetadata: [Int: TensorMetadata] { fatalError("a stub") }

  /// ExecuTorchValue.h, one for each input
  public var inputValueTags: [ValueTag] { fatalError("a stub") }

  /// ExecuTorchValue.h, one for each output
  public var outputValueTags: [ValueTag] { fatalError("a stub") }
}

/// ExecuTorchValue.h
public enum ValueTag: UInt32, @unchecked Sendable {
  case none, tensor, string, double, integer, boolean
}

/// ExecuTorchModule.h
public enum ModuleLoadMode: Int, @unchecked Sendable {
  case file, mmap, mmapUseMlock, mmapUseMlockIgnoreErrors
}

/// ExecuTorchModule.h
open class Module: NSObject {
  /// ExecuTorchModule.h
  public convenience init(filePath: String, loadMode: ModuleLoadMode) { fatalError("a stub") }

  /// ExecuTorchModule.h
  open func load(_ methodName: String) throws { fatalError("a stub") }

  /// ExecuTorchModule.h
  open func methodMetadata(_ methodName: String) throws -> MethodMetadata { fatalError("a stub") }

  /// ExecuTorch+Module.swift
  public func execute(_ method: String, _ inputs: [any ValueConvertible]) throws -> [Value] { fatalError("a stub") }
}
