import Foundation
import MVMoE
import Testing

@testable import DemoLogic

@Suite struct BundleInstallerTests {
  private let folder: TemporaryFolder
  private let installer: BundleInstaller

  init() throws {
    folder = try TemporaryFolder()
    installer = BundleInstaller(directory: folder.file("mvmoe"))
  }

  private func install(_ bundle: URL, _ installer: BundleInstaller? = nil) async throws -> URL {
    try await (installer ?? self.installer).install(bundle, place: "place") { try $1($0) }
  }

  private func inode(_ file: URL) throws -> Int? {
    (try FileManager.default.attributesOfItem(atPath: file.path)[.systemFileNumber] as? NSNumber)?.intValue
  }

  @Test(arguments: ["dispatch", "bind"])
  func aBundleIsCopiedWhole(_ name: String) async throws {
    let source = RepositoryFiles.bundle(name)
    let installed = try await install(source)
    let bundle = try ModelBundle.open(installed)
    try bundle.verify()
    #expect(installed.lastPathComponent == bundle.manifestSHA256)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("mvmoe/place").path) == [bundle.manifestSHA256])
  }

  @Test func whatIsInstalledIsNotCopiedAgain() async throws {
    let first = try await install(RepositoryFiles.bundle("dispatch")).appendingPathComponent("manifest.json")
    let number = try inode(first)
    _ = try await install(RepositoryFiles.bundle("dispatch"))
    #expect(try inode(first) == number)
  }

  @Test func aFileThatAKilledProcessHasCutOffIsCopiedAgain() async throws {
    let installed = try await install(RepositoryFiles.bundle("dispatch"))
    let golden = installed.appendingPathComponent("golden.safetensors")
    try Data().write(to: golden)
    _ = try await install(RepositoryFiles.bundle("dispatch"))
    try ModelBundle.open(installed).verify()
  }

  @Test func anotherBundleTakesThePlaceOfTheOneBefore() async throws {
    let first = try await install(RepositoryFiles.bundle("dispatch"))
    let second = try await install(RepositoryFiles.bundle("experts"))
    #expect(first != second && !FileManager.default.fileExists(atPath: first.path))
  }

  @Test func aBundleThatIsRefusedLeavesTheOneBefore() async throws {
    let first = try await install(RepositoryFiles.bundle("dispatch"))
    let damaged = try folder.copy(of: RepositoryFiles.bundle("experts"))
    try alterByte(of: damaged.appendingPathComponent("golden.safetensors"), at: 500)
    await #expect(throws: MVMoEError.self) { try await install(damaged) }
    try ModelBundle.open(first).verify()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("mvmoe/place").path).count == 1)
  }

  /// An app may ship one target of several.
  @Test(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
  func aTargetThatSomebodyHasLeftOutIsNotAskedFor() async throws {
    let bundle = try folder.copy(of: RepositoryFiles.digits)
    try FileManager.default.removeItem(at: bundle.appendingPathComponent("onnx-all-experts"))
    let opened = try await ModelOpener(engine: .onnx).open(try await install(bundle))
    #expect(opened.allExperts == nil && opened.withoutAllExperts?.contains("nothing to compare with") == true)
    await opened.close()
  }

  @Test func aStorageThatIsFullIsALimit() async throws {
    let installer = BundleInstaller(directory: folder.file("mvmoe")) { _ in 7 }
    await #expect {
      try await install(RepositoryFiles.bundle("dispatch"), installer)
    } throws: { error in
      let error = error as? MVMoEError
      return error?.code == .limitReached && error?.fields["free"] == .integer(7)
    }
    // Where the system does not say how much there is, it is tried.
    _ = try await install(RepositoryFiles.bundle("dispatch"), BundleInstaller(directory: folder.file("m")) { _ in nil })
  }

  @Test func anInstallationThatIsCancelledLeavesNothing() async throws {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await install(RepositoryFiles.bundle("dispatch"))
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("mvmoe/place").path).isEmpty)
  }

  @Test func whatTheSystemSaysOfAFullStorageIsKnown() {
    #expect(Storage.isFull(CocoaError(.fileWriteOutOfSpace)))
    #expect(Storage.isFull(NSError(domain: NSPOSIXErrorDomain, code: 28)))
    let wrapped = NSError(
      domain: NSCocoaErrorDomain, code: 512,
      userInfo: [NSUnderlyingErrorKey: NSError(domain: NSPOSIXErrorDomain, code: 28)])
    #expect(Storage.isFull(wrapped))
    #expect(!Storage.isFull(CocoaError(.fileReadNoSuchFile)) && !Storage.isFull(CancellationError()))
  }
}

@Suite struct ChoiceFileTests {
  private let folder: TemporaryFolder
  private let file: ChoiceFile

  init() throws {
    folder = try TemporaryFolder()
    file = ChoiceFile(directory: folder.file("mvmoe"))
  }

  @Test func whatIsRememberedIsReadAgain() throws {
    #expect(file.choice == RememberedChoice())
    let choice = RememberedChoice(
      picked: "picked-1/abc", engine: "cpuOnly", opening: .init(bundle: "digits", engine: "Core ML"))
    file.remember(choice)
    #expect(file.choice == choice)
    // The folder is gone.
    #expect(file.picked == nil)
    let bundle = folder.file("mvmoe/picked-1/abc")
    try FileManager.default.createDirectory(at: bundle, withIntermediateDirectories: true)
    #expect(file.picked?.path == bundle.path)
    #expect(file.path(of: bundle) == "picked-1/abc")
  }

  @Test(arguments: ["no json", "{\"picked\":7}", ""])
  func aFileThatIsDamagedRemembersNothing(_ text: String) throws {
    try FileManager.default.createDirectory(at: folder.file("mvmoe"), withIntermediateDirectories: true)
    try text.write(to: folder.file("mvmoe/choice.json"), atomically: true, encoding: .utf8)
    #expect(file.choice == RememberedChoice())
  }

  @Test(arguments: ["/", "", "..", "picked-1/../..", "other/abc", "picked-1/../other"])
  func aPathThatLeadsElsewhereIsNone(_ path: String) throws {
    try FileManager.default.createDirectory(at: folder.file("mvmoe/other/abc"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(at: folder.file("mvmoe/picked-1"), withIntermediateDirectories: true)
    file.remember(RememberedChoice(picked: path))
    #expect(file.picked == nil)
  }

  @Test func aBundleIsInstalledBesideTheOneThatIsOpen() {
    #expect(file.freePlace(besides: nil) == "picked-1")
    #expect(file.freePlace(besides: folder.file("mvmoe/picked-1/abc")) == "picked-2")
    #expect(file.freePlace(besides: folder.file("mvmoe/picked-2/abc")) == "picked-1")
  }
}
