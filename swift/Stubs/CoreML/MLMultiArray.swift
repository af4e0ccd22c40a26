import Foundation

/// https://developer.apple.com/documentation/coreml/mlmultiarraydatatype
public enum MLMultiArrayDataType: Int, @unchecked Sendable {
  case double = 65600
  case float32 = 65568

  /// https://developer.apple.com/documentation/coreml/mlmultiarraydatatype/float16
  @available(iOS 16.0, macOS 12.0, *)
  case float16 = 65552
  case int32 = 131104

  /// https://developer.apple.com/documentation/coreml/mlmultiarraydatatype/int8
  @available(iOS 26.0, macOS 26.0, *)
  case int8 = 131080
}

/// https://developer.apple.com/documentation/coreml/mlmultiarray
open class MLMultiArray: NSObject {
  /// https://developer.apple.com/documentation/coreml/mlmultiarray/init(datapointer:shape:datatype:strides:deallocator:)
  public init(
    dataPointer: UnsafeMutableRawPointer, shape: [NSNumber], dataType: MLMultiArrayDataType, strides: [NSNumber],
    deallocator: ((UnsafeMutableRawPointer) -> Void)? = nil
  ) throws { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmultiarray/datatype
  open var dataType: MLMultiArrayDataType { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmultiarray/shape
  open var shape: [NSNumber] { fatalError("a stub") }

  /// https://developer.apple.com/documentation/coreml/mlmultiarray/withunsafemutablebytes(_:)
  @available(iOS 15.4, macOS 12.3, *)
  public func withUnsafeMutableBytes<R>(
    _ body: (UnsafeMutableRawBufferPointer, [Int]) throws -> R
  ) rethrows -> R { fatalError("a stub") }
}
