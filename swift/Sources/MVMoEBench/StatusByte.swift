import Foundation

/// A file of one byte, which stays what it is when the process ends: the number of the subject at work, from 1.
final class StatusByte {
  private let mapped: UnsafeMutableRawPointer

  /// A file that is made if it is not there.
  init(_ file: URL) throws {
    let descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0, ftruncate(descriptor, 1) == 0,
      let mapped = mmap(nil, 1, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), mapped != MAP_FAILED
    else {
      let reason = String(cString: strerror(errno))
      if descriptor >= 0 { close(descriptor) }
      throw FileFailure("\(file.path) cannot be written: \(reason)")
    }
    close(descriptor)
    self.mapped = mapped
  }

  deinit { munmap(mapped, 1) }

  /// Says which subject is at work.
  func write(_ number: Int) { mapped.storeBytes(of: UInt8(truncatingIfNeeded: number), as: UInt8.self) }
}
