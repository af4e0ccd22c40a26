import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The phone's storage.
enum Storage {
  private static let chunk = 1 << 20

  /// How much there is room for below a folder; nil where the system does not say.
  static func freeBytes(_ folder: URL) -> Int? {
    let found = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    return (found?[.systemFreeSize] as? NSNumber)?.intValue
  }

  /// The size of a regular file; nil where there is none.
  static func size(of file: URL) -> Int? {
    guard let found = try? FileManager.default.attributesOfItem(atPath: file.path),
      found[.type] as? FileAttributeType == .typeRegular
    else { return nil }
    return (found[.size] as? NSNumber)?.intValue
  }

  /// Copies a file, which is on the storage, not in the system's memory only, when this returns.
  static func copy(_ file: URL, to copy: URL) throws {
    let source = try FileHandle(forReadingFrom: file)
    defer { try? source.close() }
    // It says why where there is no room for it.
    try Data().write(to: copy)
    let target = try FileHandle(forWritingTo: copy)
    defer { try? target.close() }
    while let bytes = try source.read(upToCount: chunk), !bytes.isEmpty {
      try Task.checkCancellation()
      try target.write(contentsOf: bytes)
    }
    try target.synchronize()
  }

  /// A copy of what the app has, or the user has elsewhere, is no news for a backup.
  static func leaveOutOfBackups(_ folder: URL) throws {
    #if canImport(Darwin)
      var folder = folder
      var values = URLResourceValues()
      values.isExcludedFromBackup = true
      try folder.setResourceValues(values)
    #endif
  }

  /// Whether an error, or what caused it, says that no space, or none of the app's share, is left.
  static func isFull(_ error: any Error) -> Bool {
    var next: (any Error)? = error
    for _ in 0..<10 {
      guard let error = next else { return false }
      if (error as? CocoaError)?.code == .fileWriteOutOfSpace { return true }
      let system = error as NSError
      if system.domain == NSPOSIXErrorDomain, [ENOSPC, EDQUOT].contains(Int32(truncatingIfNeeded: system.code)) {
        return true
      }
      next = system.userInfo[NSUnderlyingErrorKey] as? any Error
    }
    return false
  }
}
