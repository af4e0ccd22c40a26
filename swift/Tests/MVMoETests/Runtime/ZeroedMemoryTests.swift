import Testing

@testable import MVMoE

/// Memory for images in flight, and where there is none.
@Suite struct ZeroedMemoryTests {
  @Test(arguments: [[1], [2, 3, 4], [0], []]) func tensorsBeginWithZerosOnABorder(shape: [Int]) throws {
    let tensor = try Tensor.zeros(TensorSpec(name: "x", shape: shape, dtype: .float32, pixels: nil))
    #expect(tensor.bytes.count == shape.reduce(4, *))
    #expect(tensor.numbers.allSatisfy { $0 == 0 })
    #expect(UInt(bitPattern: tensor.bytes.baseAddress).isMultiple(of: 64))
  }

  @Test(arguments: [[Int.max], [1 << 40, 1 << 40], [-1]]) func whatHasNoRoomIsAnErrorOfItsOwn(shape: [Int]) {
    let error = refusal(of: { try Tensor.zeros(TensorSpec(name: "x", shape: shape, dtype: .int64, pixels: nil)) })
    #expect(error?.code == .limitMemory)
  }

  @Test func rowsAreThoseOfTheirImages() throws {
    let tensor = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    #expect((0..<3).map { Array(tensor.floats(ofImage: $0)) } == [[1, 2], [3, 4], [5, 6]])
  }
}
