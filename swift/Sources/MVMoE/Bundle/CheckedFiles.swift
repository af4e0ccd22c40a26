import Foundation

/// The files of one target as they were when the bundle was opened, and whether they still are.
///
/// A folder that is renamed or written anew, a file that is replaced or written to: each would mix graphs of two models without
/// an error. What the system says of a file is compared before and after each load; where it differs, the file is read again,
/// and only the content in the manifest is accepted. May be used by several tasks at once.
final class CheckedFiles: Sendable {
  /// What opens and checks a file.
  typealias Reader = @Sendable (_ root: URL, _ record: FileRecord) throws -> CheckedFile

  private let root: URL
  private let read: Reader
  private let identities = Guarded<[String: FileIdentity]>([:])
  private let kept = Guarded<OpenFile?>(nil)

  private init(root: URL, read: @escaping Reader) {
    self.root = root
    self.read = read
  }

  /// Checks all files against the manifest; each is read once.
  ///
  /// The file at the path `keep` stays open until ``takeKept()``: what is read from it later is what was checked.
  ///
  /// - Throws: ``MVMoEError`` that names the first wrong file.
  static func verify(
    root: URL, files: [FileRecord], keep: String? = nil, read: @escaping Reader = CheckedFile.open
  ) throws -> CheckedFiles {
    let checked = CheckedFiles(root: root, read: read)
    for file in files {
      let found = try read(root, file)
      checked.remember(file, found)
      if file.path == keep { checked.kept.withLock { $0 = found.opened } }
    }
    return checked
  }

  /// Throws unless each of these files is still the one that was checked, or has its content.
  ///
  /// - Throws: ``MVMoEError`` (`bundle.replaced`).
  func require(_ files: [FileRecord]) throws {
    let folder = root.path
    for file in files {
      let known = identities.withLock { $0[file.path] }
      // The same file is there, whichever way its path goes now: one question is enough.
      if let known, FileIdentity.of(path: "\(folder)/\(file.path)") == known { continue }
      try checkAgain(file)
    }
  }

  /// Hands over the open file that ``verify(root:files:keep:read:)`` was asked to keep; nil where there was none, or it was
  /// taken.
  func takeKept() -> OpenFile? {
    kept.withLock { file in
      defer { file = nil }
      return file
    }
  }

  private func checkAgain(_ file: FileRecord) throws {
    do {
      remember(file, try read(root, file))
    } catch let error as MVMoEError where !error.isEngineFailure {
      throw replaced(file, error)
    }
  }

  private func remember(_ file: FileRecord, _ found: CheckedFile) {
    identities.withLock { $0[file.path] = found.identity }
  }

  private func replaced(_ file: FileRecord, _ cause: MVMoEError) -> MVMoEError {
    let what = "\(file.path) of bundle \(root.path) was replaced, changed or removed while the bundle was open"
    return MVMoEError(
      .bundleReplaced, "\(what), so that its graphs no longer belong together; open the bundle again",
      fields: ["file": .text(file.path)], cause: cause)
  }
}
