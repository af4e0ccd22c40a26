import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A file or folder that is open for reading, and closed with its last reference.
///
/// It stays the one that was opened, whatever its path leads to later. May be read by several threads at once.
final class OpenFile: Sendable {
  let descriptor: Int32

  /// The owner of a descriptor from now on.
  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Opens the folder at a path, which may lead there through links.
  convenience init(folder path: String) throws {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    try self.init(checked: uninterrupted { open(path, flags) })
  }

  /// Opens what is called `name` in this folder, unless that is a link.
  ///
  /// It does not wait where that is a pipe which nobody writes to.
  func member(_ name: String, isFolder: Bool) throws -> OpenFile {
    let flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (isFolder ? O_DIRECTORY : O_NONBLOCK)
    return try OpenFile(checked: uninterrupted { openat(descriptor, name, flags) })
  }

  private convenience init(checked descriptor: Int32) throws {
    if descriptor < 0 { throw FileError.ofLastCall }
    self.init(descriptor: descriptor)
  }

  /// What the system records of this file.
  func identity() throws -> FileIdentity {
    var facts = stat()
    if uninterrupted({ fstat(descriptor, &facts) }) < 0 { throw FileError.ofLastCall }
    return FileIdentity(facts)
  }

  /// Fills memory with the bytes from a place on.
  ///
  /// - Throws: ``FileError`` also where the file ends before.
  func read(from offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws {
    let count = try readAtMost(from: offset, into: bytes)
    if count < bytes.count { throw FileError("the file ends at byte \(offset + count)") }
  }

  /// As ``read(from:into:)``, but up to the file's end; how many bytes there are.
  func readAtMost(from offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws -> Int {
    var filled = 0
    while filled < bytes.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...].prefix(Self.mostAtOnce))
      let count = uninterrupted { pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled)) }
      if count < 0 { throw FileError.ofLastCall }
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// So many bytes from a place on.
  ///
  /// - Throws: ``FileError`` also where the file ends before.
  func bytes(from offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      try read(
        from: offset, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[..<count]))
      filled = count
    }
  }

  /// All bytes, or the first `most` where there are more.
  func beginning(atMost most: Int) throws -> [UInt8] {
    // One byte more than there should be, to see the end.
    var bytes = [UInt8](repeating: 0, count: min(try identity().size, most - 1) + 1)
    var size = try bytes.withUnsafeMutableBytes { try readAtMost(from: 0, into: $0) }
    // It has grown meanwhile.
    while size == bytes.count, size < most {
      bytes += [UInt8](repeating: 0, count: min(size, most - size))
      size += try bytes.withUnsafeMutableBytes { bytes in
        try readAtMost(from: size, into: UnsafeMutableRawBufferPointer(rebasing: bytes[size...]))
      }
    }
    return Array(bytes.prefix(size))
  }

  /// Some systems refuse to read more than `Int32.max` bytes by one call.
  private static let mostAtOnce = 1 << 30
}
