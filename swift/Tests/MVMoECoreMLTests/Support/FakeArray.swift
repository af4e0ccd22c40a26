@testable import MVMoE
@testable import MVMoECoreML

/// Numbers in memory as Core ML may give them.
struct FakeArray: GivenArray {
  let type: String
  let shape: [Int]
  let strides: [Int]
  let bytes: [UInt8]

  init(type: String, shape: [Int], strides: [Int], bytes: [UInt8]) {
    self.type = type
    self.shape = shape
    self.strides = strides
    self.bytes = bytes
  }

  /// A copy of a tensor's memory, said to have another shape or other strides.
  init(_ tensor: Tensor, shape: [Int]? = nil, strides: [Int]? = nil) {
    let shape = shape ?? tensor.shape
    self.init(
      type: tensor.dtype.rawValue, shape: shape, strides: strides ?? Self.strides(shape), bytes: Array(tensor.bytes))
  }

  func read(_ body: (UnsafeRawBufferPointer, [Int]) throws -> Void) throws {
    try bytes.withUnsafeBytes { try body($0, strides) }
  }

  /// Without gaps, in C order.
  static func strides(_ shape: [Int]) -> [Int] {
    var (strides, step): ([Int], Int) = ([], 1)
    for size in shape.reversed() {
      strides.insert(step, at: 0)
      step *= size
    }
    return strides
  }

  /// Rows of a multiple of 32 numbers, with others between.
  static func padded(_ tensor: Tensor) -> FakeArray {
    let row = tensor.shape.last ?? 1
    let filled = (row + 31) / 32 * 32
    let numbers = tensor.numbers
    let rows = stride(from: 0, to: numbers.count, by: row).flatMap { begin in
      Array(numbers[begin..<begin + row]) + [Float](repeating: .nan, count: filled - row)
    }
    return FakeArray(
      type: "float32", shape: tensor.shape, strides: strides(tensor.shape.dropLast() + [filled]), bytes: memory(rows))
  }

  /// The first axis of memory is the last of the shape.
  static func transposed(_ tensor: Tensor) -> FakeArray {
    let shape = tensor.shape
    let there = Array(strides(shape.reversed()).reversed())
    var memory = [Float](repeating: 0, count: shape.reduce(1, *))
    for (place, number) in tensor.numbers.enumerated() {
      var (rest, offset) = (place, 0)
      for axis in shape.indices.reversed() {
        offset += rest % shape[axis] * there[axis]
        rest /= shape[axis]
      }
      memory[offset] = number
    }
    return FakeArray(type: "float32", shape: shape, strides: there, bytes: Self.memory(memory))
  }

  /// The numbers as another type.
  static func converted(_ tensor: Tensor, _ type: NumberType) -> FakeArray {
    let bytes: [UInt8] =
      switch type {
      case .float16: memory(tensor.numbers.map(Halves.bits))
      case .float32: memory(tensor.numbers)
      case .float64: memory(tensor.numbers.map(Double.init))
      case .int32: memory(tensor.numbers.map { Int32($0) })
      }
    return FakeArray(type: type.rawValue, shape: tensor.shape, strides: strides(tensor.shape), bytes: bytes)
  }

  static func memory(_ numbers: [some BitwiseCopyable]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }
}
