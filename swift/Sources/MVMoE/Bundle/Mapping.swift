#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Memory that the system maps, and unmaps with its last reference.
///
/// It is `@unchecked Sendable` because it is written to by whoever makes it alone, before anyone else has it.
final class Mapping: @unchecked Sendable {
  /// All of it, from the border of a page on.
  let bytes: UnsafeMutableRawBufferPointer

  /// Bytes of a file, read only: the system brings pages in when they are used, and may drop them again.
  ///
  /// The place has to be on the border of a page. It is a private mapping, which more file systems have than shared ones; as
  /// nothing is written to it, the pages are the system's own all the same.
  convenience init(of file: OpenFile, from offset: Int, byteCount: Int) throws {
    try self.init(byteCount, PROT_READ, MAP_PRIVATE, file.descriptor, offset)
  }

  /// Zeros of its own. Unlike memory of the heap it is refused by an error where there is no room.
  convenience init(byteCount: Int) throws {
    try self.init(byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
  }

  private init(_ byteCount: Int, _ access: Int32, _ flags: Int32, _ descriptor: Int32, _ offset: Int) throws {
    // A length of 0 is refused by the system.
    guard let start = mmap(nil, max(byteCount, 1), access, flags, descriptor, off_t(offset)), start != MAP_FAILED else {
      throw FileError.ofLastCall
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  deinit { munmap(bytes.baseAddress, max(bytes.count, 1)) }

  /// Asks the system to read a part of it into memory; it returns when the reading has begun.
  func willNeed(_ range: Range<Int>) {
    let range = range.clamped(to: 0..<bytes.count)
    let start = range.lowerBound - range.lowerBound % Mapping.pageBytes
    guard !range.isEmpty, let first = bytes.baseAddress else { return }
    // It is advice: what the system cannot read now is read when it is used.
    madvise(first + start, range.upperBound - start, MADV_WILLNEED)
  }

  /// Of this machine: 4,096, or 16,384.
  static let pageBytes = max(Int(getpagesize()), 1)
}
