#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What is at a path.
enum FileKind: Sendable, Hashable {
  case regular
  case folder
  case link

  /// A device, a pipe, a socket.
  case special

  /// What the system says of a file.
  init(_ facts: stat) {
    switch facts.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .folder
    case S_IFLNK: self = .link
    default: self = .special
    }
  }

  /// The kind of what is at a path, of a link itself; nil where nothing is.
  static func at(path: String) throws -> FileKind? { try found { lstat(path, &$0) } }

  /// The kind of what is called `name` in a folder, of a link itself; nil where nothing is.
  static func of(_ name: String, in folder: OpenFile) throws -> FileKind? {
    try found { fstatat(folder.descriptor, name, &$0, AT_SYMLINK_NOFOLLOW) }
  }

  private static func found(_ ask: (inout stat) -> Int32) throws -> FileKind? {
    var facts = stat()
    if uninterrupted({ ask(&facts) }) == 0 { return FileKind(facts) }
    if errno == ENOENT { return nil }
    throw FileError.ofLastCall
  }
}
