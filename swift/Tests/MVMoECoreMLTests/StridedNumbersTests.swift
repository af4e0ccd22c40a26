import Testing

@testable import MVMoE
@testable import MVMoECoreML

@Suite struct StridedNumbersTests {
  private static let shapes = [[1], [7], [1, 1], [3, 5], [1, 5, 16], [2, 3, 4, 5], [4, 1, 3], [2, 33]]

  private func numbers(_ shape: [Int]) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor((0..<count).map { Float($0) - Float(count / 2) }, shape: shape)
  }

  private func copied(_ array: FakeArray, to type: DType) throws -> Tensor {
    let tensor = Tensor(dtype: type, shape: array.shape)
    let numberType = try #require(NumberType(rawValue: array.type))
    try array.read { bytes, strides in
      try #require(StridedNumbers(bytes, type: numberType, shape: array.shape, strides: strides)).copy(to: tensor)
    }
    return tensor
  }

  private func read<Number>(_ tensor: Tensor, _ type: Number.Type) -> [Number] {
    withExtendedLifetime(tensor) { Array(tensor.bytes.assumingMemoryBound(to: type)) }
  }

  @Test(arguments: shapes) func gapsAndOtherOrdersAreUndone(shape: [Int]) throws {
    let tensor = numbers(shape)
    for array in [FakeArray(tensor), .padded(tensor), .transposed(tensor)] {
      #expect(try copied(array, to: .float32).numbers == tensor.numbers, "\(array.strides)")
    }
  }

  @Test(arguments: shapes, [NumberType.float16, .float32, .float64, .int32])
  func everyTypeBecomesEveryType(shape: [Int], type: NumberType) throws {
    let tensor = numbers(shape)
    let array = FakeArray.converted(tensor, type)
    #expect(try copied(array, to: .float32).numbers == tensor.numbers)
    #expect(read(try copied(array, to: .float16), UInt16.self).map(Halves.float) == tensor.numbers)
    #expect(read(try copied(array, to: .int32), Int32.self).map(Float.init) == tensor.numbers)
    #expect(read(try copied(array, to: .int64), Int64.self).map(Float.init) == tensor.numbers)
  }

  @Test func oneNumberInAllPlacesIsReadAgainAndAgain() throws {
    let array = FakeArray(type: "float32", shape: [2, 3], strides: [0, 0], bytes: FakeArray.memory([Float(7)]))
    #expect(try copied(array, to: .float32).numbers == [Float](repeating: 7, count: 6))
  }

  @Test func whatIsNoIntegerDoesNotEndTheProcess() throws {
    for number in [Float.nan, .infinity, -.infinity, 3e38] {
      let array = FakeArray(type: "float32", shape: [1], strides: [1], bytes: FakeArray.memory([number]))
      #expect(read(try copied(array, to: .int32), Int32.self) == [0])
      #expect(read(try copied(array, to: .int64), Int64.self) == [0])
    }
  }

  @Test(arguments: [
    ([2, 3], [3, 1], 23), ([2, 3], [4, 1], 24), ([2, 3], [-3, 1], 24), ([2, 3], [3], 24), ([2, 0], [3, 1], 24),
    ([Int.max, 3], [3, 1], 24), ([3, 3], [Int.max, Int.max], 24), ([-1, 3], [3, 1], 24), ([1], [1], 0),
  ]) func numbersOutsideOfTheirMemoryAreRefused(shape: [Int], strides: [Int], bytes: Int) {
    let memory = [UInt8](repeating: 0, count: bytes)
    memory.withUnsafeBytes { memory in
      #expect(StridedNumbers(memory, type: .float32, shape: shape, strides: strides) == nil)
    }
  }
}
