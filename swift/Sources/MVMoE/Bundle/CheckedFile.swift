import Foundation

/// A file whose size and SHA-256 are those of the manifest: `opened` has this content, wherever its path may lead by now.
struct CheckedFile: Sendable {
  let opened: OpenFile
  let identity: FileIdentity

  /// Opens a listed file of the bundle at `root`, and reads all of it to check it.
  ///
  /// - Throws: ``MVMoEError`` with the code of what is wrong with it.
  static func open(_ root: URL, _ record: FileRecord) throws -> CheckedFile {
    let opened = try PlainFiles(root).open(record.path)
    return try readingFile(root, record.path) {
      let identity = try opened.identity()
      if identity.size != record.bytes { throw wrongSize(root, record, identity.size) }
      if try sha256(of: opened, bytes: record.bytes) != record.sha256 { throw altered(root, record) }
      if try opened.identity() != identity { throw changed(root, record) }
      return CheckedFile(opened: opened, identity: identity)
    }
  }

  /// Of the first bytes: a file that grows meanwhile is not read to its end.
  private static func sha256(of opened: OpenFile, bytes: Int) throws -> String {
    let digest = try SHA256Digest()
    var chunk = [UInt8](repeating: 0, count: min(bytes, 1 << 20))
    var place = 0
    while place < bytes {
      let count = try chunk.withUnsafeMutableBytes { chunk in
        let wanted = UnsafeMutableRawBufferPointer(rebasing: chunk.prefix(bytes - place))
        let count = try opened.readAtMost(from: place, into: wanted)
        digest.update(UnsafeRawBufferPointer(rebasing: wanted.prefix(count)))
        return count
      }
      if count == 0 { break }
      place += count
    }
    return digest.finish()
  }

  private static func wrongSize(_ root: URL, _ record: FileRecord, _ size: Int) -> MVMoEError {
    wrongFile(
      .bundleSizeMismatch, record.path,
      "\(record.path) of bundle \(root.path) has \(size) bytes instead of \(record.bytes)",
      fields: ["expected": .integer(record.bytes), "found": .integer(size)])
  }

  private static func altered(_ root: URL, _ record: FileRecord) -> MVMoEError {
    wrongFile(
      .bundleHashMismatch, record.path,
      "\(record.path) of bundle \(root.path) was altered: its SHA-256 is not the manifest's")
  }

  private static func changed(_ root: URL, _ record: FileRecord) -> MVMoEError {
    MVMoEError(
      .bundleReplaced, "\(record.path) of bundle \(root.path) changed while it was read; open the bundle again",
      fields: ["file": .text(record.path)])
  }
}
