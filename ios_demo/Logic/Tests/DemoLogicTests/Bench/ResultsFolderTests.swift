import Foundation
import Testing

@testable import DemoLogic

@Suite struct ResultsFolderTests {
  private let place: TemporaryFolder
  private let results: ResultsFolder

  init() throws {
    place = try TemporaryFolder()
    results = ResultsFolder(folder: place.file("results"))
  }

  private func write(_ name: String) throws {
    try FileManager.default.createDirectory(at: results.folder, withIntermediateDirectories: true)
    try Data("{}\n".utf8).write(to: results.folder.appendingPathComponent(name))
  }

  @Test func aNewFileIsNamedAfterTheTimeAndTakesNoOtherOnesPlace() throws {
    let now = Date(timeIntervalSince1970: 0)
    #expect(try results.newFile(now).lastPathComponent == "mvmoe-19700101-000000.jsonl")
    try write("mvmoe-19700101-000000.jsonl")
    #expect(try results.newFile(now).lastPathComponent == "mvmoe-19700101-000000-1.jsonl")
  }

  @Test func filesAreListedWithTheNewestFirstAndNothingElseIs() throws {
    for name in ["mvmoe-1.jsonl", "mvmoe-2.jsonl", "notes.txt", ".mvmoe-3.jsonl"] { try write(name) }
    try FileManager.default.createDirectory(
      at: results.folder.appendingPathComponent("folder.jsonl"), withIntermediateDirectories: true)
    #expect(results.files.map(\.lastPathComponent) == ["mvmoe-2.jsonl", "mvmoe-1.jsonl"])
  }

  @Test func aFolderThatIsNotThereHoldsNothing() {
    #expect(results.files.isEmpty)
  }
}
