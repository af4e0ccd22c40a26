import COnnxRuntime
import MVMoE

/// ONNX Runtime's tensor over the memory of a dispatcher's, which it keeps: nothing is copied.
///
/// It is `@unchecked Sendable` because ONNX Runtime only reads what it says of the memory, which is the tensor's.
final class TensorValue: @unchecked Sendable {
  let pointer: OpaquePointer
  private let tensor: Tensor
  private let shared: SharedTensors

  /// - Throws: ``OrtError`` where ONNX Runtime refuses the shape or the memory.
  init(_ tensor: Tensor, of shared: SharedTensors) throws {
    pointer = try Self.make(tensor, shared)
    self.tensor = tensor
    self.shared = shared
    shared.live.add(1)
  }

  deinit {
    shared.library.api.pointee.ReleaseValue(pointer)
    shared.live.add(-1)
    shared.forget(tensor)
  }

  private static func make(_ tensor: Tensor, _ shared: SharedTensors) throws -> OpaquePointer {
    let shape = tensor.shape.map(Int64.init)
    return try shared.library.make { made in
      shared.library.api.pointee.CreateTensorWithDataAsOrtValue(
        shared.memory, tensor.bytes.baseAddress, tensor.bytes.count, shape, shape.count, tensor.dtype.element, &made)
    }
  }
}
