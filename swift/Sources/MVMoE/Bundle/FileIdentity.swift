#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the system records of a file: it differs for another file, and for other content.
struct FileIdentity: Sendable, Hashable {
  /// Its kind.
  let kind: FileKind

  /// In bytes.
  let size: Int

  private let device: UInt64
  private let inode: UInt64

  /// When its content was changed.
  private let modified: FileTime

  /// When anything of it was changed.
  private let changed: FileTime

  /// What the system says of a file.
  init(_ facts: stat) {
    kind = FileKind(facts)
    size = Int(facts.st_size)
    device = UInt64(truncatingIfNeeded: facts.st_dev)
    inode = UInt64(truncatingIfNeeded: facts.st_ino)
    #if canImport(Darwin)
      modified = FileTime(facts.st_mtimespec)
      changed = FileTime(facts.st_ctimespec)
    #else
      modified = FileTime(facts.st_mtim)
      changed = FileTime(facts.st_ctim)
    #endif
  }

  /// The identity of what is at a path, of a link itself; nil where nothing is, or the system does not say.
  static func of(path: String) -> FileIdentity? {
    var facts = stat()
    return uninterrupted { lstat(path, &facts) } == 0 ? FileIdentity(facts) : nil
  }
}

/// A time to the nanosecond.
private struct FileTime: Sendable, Hashable {
  let seconds: Int
  let nanoseconds: Int

  init(_ time: timespec) {
    seconds = Int(time.tv_sec)
    nanoseconds = Int(time.tv_nsec)
  }
}
