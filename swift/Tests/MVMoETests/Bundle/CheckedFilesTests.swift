import Foundation
import Testing

@testable import MVMoE

@Suite struct CheckedFilesTests {
  private let folder = TemporaryFolder()
  private let root: URL
  private let contents: [(path: String, bytes: [UInt8])] = [
    ("onnx/a.onnx", Array("first".utf8)),
    ("onnx/b.onnx", (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }),
    ("c", []),
  ]
  private let records: [FileRecord]

  init() throws {
    root = folder["bundle"]
    records = try contents.map { try record(of: $0.path, $0.bytes) }
    try write()
  }

  @Test func filesThatStayAreAccepted() throws {
    let files = try CheckedFiles.verify(root: root, files: records)
    for _ in 0..<3 { try files.require(records) }
  }

  @Test func aFileIsReadOnceAndAgainOnlyWhereTheSystemSaysThatItIsAnotherOne() throws {
    let read = Guarded<[String]>([])
    let files = try CheckedFiles.verify(root: root, files: records) { root, record in
      read.withLock { $0.append(record.path) }
      return try CheckedFile.open(root, record)
    }
    let all = records.map(\.path)
    #expect(read.withLock { $0 } == all)
    for _ in 0..<3 { try files.require(records) }
    #expect(read.withLock { $0 } == all)
    try replace("onnx/a.onnx", "first")
    for _ in 0..<3 { try files.require(records) }
    #expect(read.withLock { $0 } == all + ["onnx/a.onnx"])
  }

  @Test func aFileOfTheSameContentInItsPlaceIsAccepted() throws {
    let files = try CheckedFiles.verify(root: root, files: records)
    try replace("onnx/a.onnx", "first")
    try files.require(records)
    try FileManager.default.copyItem(at: root, to: folder["copy"])
    try FileManager.default.removeItem(at: root)
    try FileManager.default.moveItem(at: folder["copy"], to: root)
    try files.require(records)
  }

  @Test func anotherContentIsRefusedWhateverItsSizeAndTime() throws {
    let files = try CheckedFiles.verify(root: root, files: records)
    let path = root.appendingPathComponent("onnx/a.onnx").path
    var before = stat()
    #expect(stat(path, &before) == 0)
    let file = try #require(fopen(path, "r+"))
    fputs("other", file)
    fclose(file)
    #if canImport(Darwin)
      let times = [before.st_atimespec, before.st_mtimespec]
    #else
      let times = [before.st_atim, before.st_mtim]
    #endif
    #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    for _ in 0..<2 {
      let error = refusal { try files.require(records) }
      #expect(error?.code == .bundleReplaced)
      #expect(error?.fields == ["file": "onnx/a.onnx"])
      try files.require(Array(records.dropFirst()))
    }
  }

  @Test(arguments: ["replaced", "removed", "link", "folder"])
  func aFileThatBecameAnotherThingIsRefused(_ what: String) throws {
    let files = try CheckedFiles.verify(root: root, files: records)
    let file = root.appendingPathComponent("onnx/a.onnx")
    try FileManager.default.removeItem(at: file)
    switch what {
    case "replaced": try Data("third".utf8).write(to: file)
    // Even to a file of the same content: a link may lead elsewhere at any time.
    case "link":
      let same = try folder.write("same", "first".utf8)
      try FileManager.default.createSymbolicLink(at: file, withDestinationURL: same)
    case "folder": try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
    default: break
    }
    #expect(refusal { try files.require(records) }?.code == .bundleReplaced)
  }

  @Test func aFolderOfAnotherBundleInThePlaceOfThisOneIsRefused() throws {
    let files = try CheckedFiles.verify(root: root, files: records)
    try FileManager.default.moveItem(at: root, to: folder["moved"])
    try write()
    try folder.write("bundle/onnx/b.onnx", [UInt8](repeating: 0, count: 3_000_000))
    let error = refusal { try files.require(records) }
    #expect(error?.code == .bundleReplaced)
    #expect(error?.fields["file"] == "onnx/b.onnx")
  }

  @Test func theFirstWrongFileIsNamed() throws {
    let wrong = FileRecord(path: "onnx/b.onnx", bytes: 3_000_000, sha256: String(repeating: "0", count: 64))
    let error = refusal { try CheckedFiles.verify(root: root, files: [records[0], wrong, records[2]]) }
    #expect(error?.code == .bundleHashMismatch)
    #expect(error?.fields == ["file": "onnx/b.onnx"])
    #expect(
      error?.message
        == "onnx/b.onnx of bundle \(root.path) was altered: its SHA-256 is not the manifest's; copy the bundle "
        + "again or export it again")
    let short = FileRecord(path: "c", bytes: 1 << 50, sha256: records[2].sha256)
    let size = refusal { try CheckedFiles.verify(root: root, files: [short]) }
    #expect(size?.code == .bundleSizeMismatch)
    #expect(size?.fields == ["file": "c", "expected": .integer(1 << 50), "found": 0])
  }

  @Test func aFileThatIsKeptOpenHasTheContentThatWasChecked() throws {
    let files = try CheckedFiles.verify(root: root, files: records, keep: "onnx/b.onnx")
    try replace("onnx/b.onnx", "another file at this path")
    let kept = try #require(files.takeKept())
    #expect(files.takeKept() == nil)
    #expect(try kept.bytes(from: 0, count: 3_000_000) == contents[1].bytes)
  }

  @Test func identitiesTellFilesAndContentsApart() throws {
    let path = root.appendingPathComponent("onnx/a.onnx").path
    let before = try #require(FileIdentity.of(path: path))
    #expect(FileIdentity.of(path: path) == before)
    #expect(try PlainFiles(root).open("onnx/a.onnx").identity() == before)
    try replace("onnx/a.onnx", "first")
    #expect(FileIdentity.of(path: path) != before)
    #expect(FileIdentity.of(path: root.appendingPathComponent("none").path) == nil)
  }

  @Test func filesOfManyTasksAreCheckedAtOnce() async throws {
    let (root, records) = (root, records)
    let files = try CheckedFiles.verify(root: root, files: records)
    try replace("onnx/b.onnx", "no model")
    try await withThrowingTaskGroup(of: ErrorCode?.self) { group in
      for _ in 0..<8 { group.addTask { refusal { try files.require(records) }?.code } }
      for try await code in group { #expect(code == .bundleReplaced) }
    }
  }

  private func write() throws {
    for (path, bytes) in contents { try folder.write("bundle/\(path)", bytes) }
  }

  private func replace(_ path: String, _ text: String) throws {
    let new = try folder.write("new", text.utf8)
    #expect(rename(new.path, root.appendingPathComponent(path).path) == 0)
  }
}

/// What a manifest says of a file with these bytes.
func record(of path: String, _ bytes: [UInt8]) throws -> FileRecord {
  FileRecord(path: path, bytes: bytes.count, sha256: try SHA256Digest.hexadecimalDigits(of: bytes))
}
