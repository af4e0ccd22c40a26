import MVMoE

/// What Core ML's arrays hold; the raw value is the name that ``GivenArray/type`` has.
enum NumberType: String {
  case float16
  case float32
  case float64
  case int32

  var bytes: Int {
    switch self {
    case .float16: 2
    case .float32, .int32: 4
    case .float64: 8
    }
  }
}

/// Numbers with gaps between them: the Neural Engine fills rows up to multiples of its own.
struct StridedNumbers {
  private let base: UnsafeRawPointer
  private let type: NumberType
  private let shape: [Int]
  private let strides: [Int]

  /// Nil if the numbers do not lie within `bytes`, as their shape and strides have them.
  init?(_ bytes: UnsafeRawBufferPointer, type: NumberType, shape: [Int], strides: [Int]) {
    guard let base = bytes.baseAddress, shape.count == strides.count, shape.allSatisfy({ $0 > 0 }) else { return nil }
    var last = 0
    for (size, stride) in zip(shape, strides) {
      let (step, overflows) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflowsToo) = last.addingReportingOverflow(step)
      guard stride >= 0, !overflows, !overflowsToo else { return nil }
      last = sum
    }
    guard last < bytes.count / type.bytes else { return nil }
    self.base = base
    self.type = type
    self.shape = shape
    self.strides = strides
  }

  /// Copies all of them, in C order, to a tensor with as many places.
  func copy(to tensor: Tensor) {
    switch (type, tensor.dtype) {
    case (.float32, .float32), (.float16, .float16), (.int32, .int32): copyRows(to: tensor)
    case (.float16, .float32): convert(UInt16.self, Float.self, tensor) { Halves.float($0) }
    case (.float32, .float16): convert(Float.self, UInt16.self, tensor) { Halves.bits($0) }
    case (.float64, .float32): convert(Double.self, Float.self, tensor) { Float($0) }
    case (.float64, .float16): convert(Double.self, UInt16.self, tensor) { Halves.bits(Float($0)) }
    case (.int32, .float32): convert(Int32.self, Float.self, tensor) { Float($0) }
    case (.int32, .float16): convert(Int32.self, UInt16.self, tensor) { Halves.bits(Float($0)) }
    case (.int32, .int64): convert(Int32.self, Int64.self, tensor) { Int64($0) }
    case (.float16, .int32):
      convert(UInt16.self, Int32.self, tensor) { Int32(exactly: Halves.float($0).rounded()) ?? 0 }
    case (.float32, .int32): convert(Float.self, Int32.self, tensor) { Int32(exactly: $0.rounded()) ?? 0 }
    case (.float64, .int32): convert(Double.self, Int32.self, tensor) { Int32(exactly: $0.rounded()) ?? 0 }
    case (.float16, .int64):
      convert(UInt16.self, Int64.self, tensor) { Int64(exactly: Halves.float($0).rounded()) ?? 0 }
    case (.float32, .int64): convert(Float.self, Int64.self, tensor) { Int64(exactly: $0.rounded()) ?? 0 }
    case (.float64, .int64): convert(Double.self, Int64.self, tensor) { Int64(exactly: $0.rounded()) ?? 0 }
    case (_, .int8): break  // Weights alone are of it, which no graph gives.
    }
  }

  /// Numbers of the tensor's own type, as many at a time as lie one after the other.
  private func copyRows(to tensor: Tensor) {
    let row = contiguous
    var place = 0
    forEachOffset(of: shape.count - row.axes) { offset in
      let from = UnsafeRawBufferPointer(start: base + offset * type.bytes, count: row.count * type.bytes)
      UnsafeMutableRawBufferPointer(rebasing: tensor.bytes[place..<place + from.count]).copyMemory(from: from)
      place += from.count
    }
  }

  private func convert<From, To>(_ from: From.Type, _ to: To.Type, _ tensor: Tensor, _ value: (From) -> To) {
    let row = contiguous
    let target = tensor.bytes.assumingMemoryBound(to: To.self)
    var place = 0
    forEachOffset(of: shape.count - row.axes) { offset in
      let source = (base + offset * type.bytes).assumingMemoryBound(to: From.self)
      for index in 0..<row.count { target[place + index] = value(source[index]) }
      place += row.count
    }
  }

  /// How many numbers lie one after the other, and how many of the last axes they are.
  private var contiguous: (count: Int, axes: Int) {
    var (count, axes) = (1, 0)
    for (size, stride) in zip(shape, strides).reversed() {
      // An axis of size 1 is never stepped along.
      guard stride == count || size == 1 else { break }
      count *= size
      axes += 1
    }
    return (count, axes)
  }

  /// Where each number of the first axes begins, in C order.
  private func forEachOffset(of axes: Int, _ body: (Int) -> Void) {
    var index = [Int](repeating: 0, count: axes)
    var offset = 0
    while true {
      body(offset)
      var axis = axes - 1
      while axis >= 0 {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < shape[axis] { break }
        offset -= shape[axis] * strides[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
