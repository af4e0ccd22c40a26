import Foundation
import Testing

@testable import MVMoE

/// `tests/conformance/preprocessing`: equality is exact everywhere.
@Suite struct PreprocessingConformanceTests {
  @Test("Bytes are made by the formula")
  func madeBytes() {
    let first = PreprocessingSuite.madeBytes(seed: 1, run: 1, length: 12)
    #expect(first == [82, 52, 206, 54, 29, 134, 57, 219, 95, 202, 165, 102])
    let second = PreprocessingSuite.madeBytes(seed: 7, run: 5, length: 12)
    #expect(second == [226, 226, 226, 226, 226, 141, 141, 141, 141, 141, 106, 106])
  }

  @Test("No file and no case is left out")
  func everyCase() throws {
    let folder = RepositoryFiles.conformance("preprocessing/cases")
    let found = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    #expect(
      found.map { $0.deletingPathExtension().lastPathComponent }.sorted()
        == PreprocessingSuite.files.map(\.name).sorted())
    let counts = try Dictionary(
      uniqueKeysWithValues: PreprocessingSuite.files.map { ($0.name, try PreprocessingSuite.cases($0.name).count) })
    #expect((counts["resizing"] ?? 0) >= 200)
    #expect((counts["buffers"] ?? 0) >= 40)
    #expect(counts.values.allSatisfy { $0 > 0 })
  }

  @Test("This library gives what every case expects", arguments: PreprocessingSuite.fileNames)
  func cases(file: String) throws {
    for each in try PreprocessingSuite.cases(file) {
      #expect(try each.isMet(by: OwnReader()), "\(each.name)")
    }
  }

  @Test("The input is the levels, normalized", arguments: ["buffers", "orientations", "resizing"])
  func inputs(file: String) throws {
    for each in try PreprocessingSuite.cases(file).compactMap({ $0 as? PixelCase }) {
      let (preprocessor, values) = (Preprocessor(each.input), Normalization(each.input).values)
      let buffer = try #require(each.buffer.pixels)
      let levels = try preprocessor.levels(buffer).levels
      var input = [Float](repeating: .nan, count: levels.count)
      _ = try input.withUnsafeMutableBufferPointer { try preprocessor.prepare(buffer, into: $0) }
      let pixels = levels.count / values.count
      #expect(input == levels.enumerated().map { values[$0.offset / pixels][Int($0.element)] }, "\(each.name)")
    }
  }

  @Test("A reader written from the page alone gives the same", arguments: WrongPreprocessingReaders.files)
  func pageReader(file: String) throws {
    for each in try PreprocessingSuite.cases(file) {
      #expect(try each.isMet(by: PixelPageReader()), "\(each.name)")
    }
  }

  @Test("A wrong reader is caught", arguments: WrongPreprocessingReaders.names)
  func wrongReader(name: String) throws {
    let type = try #require(WrongPreprocessingReaders.find(name))
    let isCaught = try WrongPreprocessingReaders.files.contains { file in
      try !PreprocessingSuite.cases(file).allSatisfy { try $0.isMet(by: type.init()) }
    }
    #expect(isCaught)
  }

  @Test("Wrong readers of every step are tried")
  func everyWrongReader() {
    #expect(WrongPreprocessingReaders.all.count >= 45)
  }
}
