/// The type of a tensor's numbers; the raw value is its name in a manifest.
public enum DType: String, Sendable, CaseIterable {
  /// fp32.
  case float32

  /// fp16.
  case float16

  /// Signed integers of 64 bits.
  case int64

  /// Signed integers of 32 bits.
  case int32

  /// Signed integers of 8 bits: weights alone are of it.
  case int8

  /// Bytes of one number.
  public var bytes: Int {
    switch self {
    case .float32, .int32: 4
    case .float16: 2
    case .int64: 8
    case .int8: 1
    }
  }
}
