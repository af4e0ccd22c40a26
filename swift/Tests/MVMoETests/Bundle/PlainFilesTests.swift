import Foundation
import Testing

@testable import MVMoE

@Suite struct PlainFilesTests {
  private let folder = TemporaryFolder()
  private let root: URL
  private var files: PlainFiles { PlainFiles(root) }

  init() throws {
    root = folder["bundle"]
    try folder.write("bundle/a/b/c", "text".utf8)
  }

  @Test func aFileIsOpenedByItsPath() throws {
    #expect(try files.open("a/b/c").bytes(from: 1, count: 2) == Array("ex".utf8))
    #expect(try files.open("a/b/c").beginning(atMost: 3) == Array("tex".utf8))
    #expect(try files.open("a/b/c").beginning(atMost: 4) == Array("text".utf8))
    #expect(try files.open("a/b/c").beginning(atMost: 1000) == Array("text".utf8))
  }

  @Test(arguments: ["none", "a/none", "none/c", "a/b/c/d", "a/b/c/d/e"])
  func whatIsNotThereIsMissing(_ path: String) {
    let error = refusal { try files.open(path) }
    #expect(error?.code == .bundleFileMissing)
    #expect(error?.fields == ["file": .text(path)])
    #expect(
      error?.message == "\(path) of bundle \(root.path) is missing; copy the bundle again or export it again")
  }

  @Test(arguments: ["a", "a/b"])
  func aFolderIsNoFile(_ path: String) {
    let error = refusal { try files.open(path) }
    #expect(error?.code == .bundleFileNotPlain)
    #expect(error?.message.contains("is not a regular file") == true)
  }

  @Test(.timeLimit(.minutes(1)))
  func aPipeIsNoFileAndNobodyWaitsForIt() throws {
    #expect(mkfifo(root.appendingPathComponent("pipe").path, 0o600) == 0)
    #expect(refusal { try files.open("pipe") }?.code == .bundleFileNotPlain)
    // Behind the check of its kind, too.
    let opened = try OpenFile(folder: root.path).member("pipe", isFolder: false)
    #expect(try opened.identity().kind == .special)
    #expect(refusal { try files.open("pipe/a") }?.code == .bundleFileUnreadable)
  }

  @Test func noPartOfAPathIsALink() throws {
    let manager = FileManager.default
    try manager.createSymbolicLink(
      at: root.appendingPathComponent("file"), withDestinationURL: root.appendingPathComponent("a/b/c"))
    try manager.createSymbolicLink(
      at: root.appendingPathComponent("folder"), withDestinationURL: root.appendingPathComponent("a"))
    try manager.createSymbolicLink(
      at: root.appendingPathComponent("dangling"), withDestinationURL: root.appendingPathComponent("none"))
    try manager.createSymbolicLink(atPath: root.appendingPathComponent("circle").path, withDestinationPath: "circle")
    for path in ["file", "folder/b/c", "dangling", "dangling/a", "circle", "circle/a"] {
      let error = refusal { try files.open(path) }
      #expect(error?.code == .bundleFileNotPlain)
      #expect(error?.message.contains("is behind a symbolic link") == true)
    }
    // Behind the check of its kind, too.
    let folder = try OpenFile(folder: root.path)
    #expect(throws: FileError.self) { try folder.member("file", isFolder: false) }
    #expect(throws: FileError.self) { try folder.member("folder", isFolder: true) }
  }

  @Test func theBundleItselfMayBeBehindALink() throws {
    let link = folder["link"]
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: root)
    #expect(try PlainFiles(link).open("a/b/c").identity().size == 4)
  }

  @Test func aNameThatNoFileCanHaveCannotBeRead() {
    let path = String(repeating: "x", count: 400)
    let error = refusal { try files.open(path) }
    #expect(error?.code == .bundleFileUnreadable)
    #expect(error?.message.contains("cannot be read (File name too long)") == true)
    #expect(files.isMissing(path) == false)
  }

  @Test func aBundleThatIsGoneIsMissing() throws {
    try FileManager.default.removeItem(at: root)
    #expect(refusal { try files.open("a/b/c") }?.code == .bundleFileMissing)
    #expect(files.isMissing("a/b/c"))
  }

  @Test func onlyWhatIsNotThereIsMissing() throws {
    for path in ["none", "a/none", "none/c"] { #expect(files.isMissing(path)) }
    try FileManager.default.createSymbolicLink(
      atPath: root.appendingPathComponent("dangling").path, withDestinationPath: "none")
    for path in ["a", "a/b/c", "a/b/c/d", "dangling", "dangling/a"] { #expect(files.isMissing(path) == false) }
  }

  @Test func whatTheSystemRefusesIsOneSentenceAndALimitHasItsOwnCode() {
    let unreadable = cannotRead(root, "onnx/stem.onnx", FileError(number: EIO))
    #expect(unreadable.code == .bundleFileUnreadable)
    #expect(unreadable.fields == ["file": "onnx/stem.onnx"])
    #expect(
      unreadable.message
        == "onnx/stem.onnx of bundle \(root.path) cannot be read (Input/output error); copy the bundle "
        + "again or export it again")
    #expect(cannotRead(root, "a", FileError(number: EMFILE)).code == .limitFiles)
    #expect(cannotRead(root, "a", FileError(number: ENOMEM)).code == .limitMemory)
  }

  @Test func aDescriptorIsClosedWithItsLastReference() throws {
    var opened: OpenFile? = try files.open("a/b/c")
    let descriptor = try #require(opened?.descriptor)
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    let inode = try opened?.identity()
    opened = nil
    var after = stat()
    #expect(fstat(descriptor, &after) != 0 || FileIdentity(after) != inode)
  }
}
