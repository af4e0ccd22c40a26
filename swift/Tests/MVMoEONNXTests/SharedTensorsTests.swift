import COnnxRuntime
import Foundation
import Testing

@testable import MVMoE
@testable import MVMoEONNX

@Suite struct SharedTensorsTests {
  private let library: OrtLibrary
  private let live = LiveCount()
  private let tensors: SharedTensors

  init() throws {
    library = try #require(OrtLibrary.shared)
    tensors = try SharedTensors(library, live: live)
  }

  /// Where ONNX Runtime has the numbers of a value.
  private func memory(_ value: TensorValue) throws -> UnsafeMutableRawPointer? {
    var memory: UnsafeMutableRawPointer?
    try library.check(library.api.pointee.GetTensorMutableData(value.pointer, &memory))
    return memory
  }

  private func description(_ value: TensorValue) throws -> (type: String, shape: [Int64]) {
    let api = library.api
    let info = try library.make { api.pointee.GetTensorTypeAndShape(value.pointer, &$0) }
    defer { api.pointee.ReleaseTensorTypeAndShapeInfo(info) }
    var element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED
    try library.check(api.pointee.GetTensorElementType(info, &element))
    var rank = 0
    try library.check(api.pointee.GetDimensionsCount(info, &rank))
    var shape = [Int64](repeating: 0, count: rank)
    try library.check(api.pointee.GetDimensions(info, &shape, rank))
    return (typeName(element), shape)
  }

  @Test(arguments: DType.allCases)
  func aTensorOfEachTypeLiesWhereItsMemoryIs(dtype: DType) throws {
    let tensor = Tensor(dtype: dtype, shape: [2, 3])
    let value = try tensors.value(of: tensor)
    let found = try description(value)
    #expect(found.type == dtype.rawValue)
    #expect(found.shape == [2, 3])
    #expect(try memory(value) == tensor.bytes.baseAddress)
  }

  @Test func memoryThatIsMappedToBeReadAloneIsTakenAsItIs() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "weights.bin")
    try Data((0..<64).map { UInt8($0) }).write(to: file)
    let mapped = NSMutableData(data: try Data(contentsOf: file, options: .alwaysMapped))
    let bytes = UnsafeMutableRawBufferPointer(
      rebasing: UnsafeMutableRawBufferPointer(start: mapped.mutableBytes, count: 64)[16..<32])
    let value = try tensors.value(of: Tensor(dtype: .float32, shape: [4], bytes: bytes, owner: mapped))
    #expect(try memory(value)?.load(as: UInt8.self) == 16)
    #expect(try memory(value) == bytes.baseAddress)
  }

  @Test func theLastUserOfATensorFreesItAndItIsMadeAgainWhenItIsAskedForAgain() throws {
    let tensor = Tensor(dtype: .float32, shape: [1])
    var first: TensorValue? = try tensors.value(of: tensor)
    var second: TensorValue? = try tensors.value(of: tensor)
    #expect(first === second)
    let other = try tensors.value(of: Tensor(dtype: .float32, shape: [1]))
    #expect(other !== first)
    #expect(live.value == 2)
    second = nil
    #expect(live.value == 2)
    first = nil
    #expect(live.value == 1)
    second = try tensors.value(of: tensor)
    #expect(live.value == 2)
    withExtendedLifetime((first, second, other)) {}
  }

  /// A value that is freed by one task while another asks for the same tensor's is made again, and none is lost.
  @Test func tasksAskForAndLeaveOneTensorAtOnce() async throws {
    let tensor = Tensor(dtype: .float32, shape: [1])
    let tensors = tensors
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<20_000 { _ = try tensors.value(of: tensor) }
        }
      }
      try await group.waitForAll()
    }
    #expect(live.value == 0)
  }
}
