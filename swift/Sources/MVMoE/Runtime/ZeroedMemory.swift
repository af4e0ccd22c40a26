import Foundation

/// Zeros for one tensor, on a border of 64 bytes as engines like it; unlike an array it can say that there is no memory.
final class ZeroedMemory {
  private static let alignment = 64

  let bytes: UnsafeMutableRawBufferPointer

  /// - Throws: ``MVMoEError`` where there is no memory (`limit.memory`).
  init(byteCount: Int) throws {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, Self.alignment, max(byteCount, 1)) == 0, let memory else { throw Self.noMemory }
    memset(memory, 0, byteCount)
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
  }

  deinit { free(bytes.baseAddress) }

  static var noMemory: MVMoEError {
    MVMoEError(
      .limitMemory,
      "there is no memory for another image in flight; close dispatchers, give smaller batches, or give the process more"
    )
  }
}

extension Tensor {
  /// A tensor of an input or output of a graph, filled with zeros.
  ///
  /// - Throws: ``MVMoEError`` where there is no memory (`limit.memory`).
  package static func zeros(_ spec: TensorSpec) throws -> Tensor {
    var byteCount = spec.dtype.bytes
    for size in spec.shape {
      let (product, overflows) = byteCount.multipliedReportingOverflow(by: size)
      if overflows || size < 0 { throw ZeroedMemory.noMemory }
      byteCount = product
    }
    let memory = try ZeroedMemory(byteCount: byteCount)
    return Tensor(dtype: spec.dtype, shape: spec.shape, bytes: memory.bytes, owner: memory)
  }

  /// One image's part of a tensor `[B, ...]`.
  func row(_ image: Int) -> UnsafeMutableRawBufferPointer {
    let size = bytes.count / max(shape.first ?? 1, 1)
    return UnsafeMutableRawBufferPointer(rebasing: bytes[(image * size)..<((image + 1) * size)])
  }

  /// One image's part of a tensor `[B, ...]` of fp32.
  package func floats(ofImage image: Int) -> UnsafeMutableBufferPointer<Float> {
    row(image).assumingMemoryBound(to: Float.self)
  }
}
