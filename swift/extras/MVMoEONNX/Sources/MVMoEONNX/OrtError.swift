import Foundation

/// What ONNX Runtime says of a call that failed.
struct OrtError: Error, LocalizedError, CustomStringConvertible {
  let message: String

  var errorDescription: String? { message }

  var description: String { message }
}
