import Foundation
import MVMoE
import Testing

@testable import MVMoEBench

/// The planner's images, as NumPy writes them.
@Suite struct ImagesTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func eachImageHasItsOwnNumbers() throws {
    let file = try folder.write("i.npy", npy(shape: [3, 1, 2, 2], (0..<12).map(Float.init)))
    let images = try Images.read(file)
    #expect(images.count == 3)
    #expect(images.shape == [1, 2, 2])
    #expect(try images.image(1).numbers == [4, 5, 6, 7])
    #expect(try images.image(2).shape == [1, 1, 2, 2])
  }

  @Test(arguments: [
    npy("<f8", shape: [1, 1, 1, 1], [0, 0]),
    npy(shape: [1, 1, 1, 1], []),
    npy(shape: [1, 1, 1, 1], [1, 2]),
    npy(shape: [0, 1, 1, 1], []),
    npy(shape: [-1, 1, 1, 1], []),
    npy(shape: [1 << 40, 1 << 40, 1, 1], [1]),
    Data([0x93]),
    Data(),
  ])
  func whatIsNotSuchImagesIsRefused(bytes: Data) throws {
    let file = try folder.write("i.npy", bytes)
    let error = try refusal(MVMoEError.self) { try Images.read(file) }
    #expect(error.code == .inputInvalid)
    #expect(error.message.contains("expected images of float32"))
  }

  @Test func anImageThatIsNotThereIsRefused() throws {
    let images = Images([[1]], shape: [1, 1, 1])
    #expect(throws: MVMoEError.self) { try images.image(1) }
  }

  @Test func aFileThatIsNotThereIsNamed() throws {
    let error = try refusal(FileFailure.self) { try Images.read(folder["nowhere.npy"]) }
    #expect(error.message.hasSuffix("nowhere.npy cannot be read: No such file or directory"))
  }
}
