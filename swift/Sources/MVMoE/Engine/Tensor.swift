/// Numbers in memory that an engine can read and write where they are.
///
/// It is `@unchecked Sendable` because its memory is written by one call at a time: a dispatcher gives each call tensors of its
/// own, and weights are only read.
public final class Tensor: @unchecked Sendable {
  /// The type of the numbers.
  public let dtype: DType

  /// Its sizes; the numbers are in C order.
  public let shape: [Int]

  /// All of its memory, in the native order of bytes, aligned for its type.
  public let bytes: UnsafeMutableRawBufferPointer

  /// What the memory belongs to, and is freed with: a mapped file, an array of an engine.
  private let owner: AnyObject

  /// A tensor over memory of `owner`, which it keeps.
  public init(dtype: DType, shape: [Int], bytes: UnsafeMutableRawBufferPointer, owner: AnyObject) {
    self.dtype = dtype
    self.shape = shape
    self.bytes = bytes
    self.owner = owner
  }

  /// A tensor of its own memory, filled with zeros.
  public convenience init(dtype: DType, shape: [Int]) {
    let memory = TensorMemory(byteCount: shape.reduce(dtype.bytes, *))
    self.init(dtype: dtype, shape: shape, bytes: memory.bytes, owner: memory)
  }

  /// A tensor of its own memory with a copy of these numbers.
  ///
  /// - Precondition: there are as many as the shape has places.
  public convenience init(_ numbers: [Float], shape: [Int]) {
    self.init(dtype: .float32, shape: shape)
    precondition(numbers.count == floats.count, "\(numbers.count) numbers do not fill the shape \(shape)")
    _ = floats.update(fromContentsOf: numbers)
  }

  /// The same memory as fp32; asked of a `float32` tensor only.
  public var floats: UnsafeMutableBufferPointer<Float> { bytes.assumingMemoryBound(to: Float.self) }

  /// A copy of its fp32 numbers, in C order.
  public var numbers: [Float] { Array(floats) }
}

/// Memory of one tensor, on a border of 64 bytes as engines like it.
private final class TensorMemory {
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }
}
