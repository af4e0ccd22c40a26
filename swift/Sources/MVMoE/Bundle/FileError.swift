#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Why the system does not open or read a file.
struct FileError: Error, CustomStringConvertible {
  /// The system's number of the error; 0 where it has none.
  let number: Int32

  let description: String

  /// The error with a number of the system.
  init(number: Int32) {
    self.number = number
    description = Self.words(number)
  }

  /// An error that is none of the system's.
  init(_ description: String) {
    number = 0
    self.description = description
  }

  /// The limit that was met, by the system's number.
  var limit: Limit? {
    switch number {
    case EMFILE, ENFILE: .files
    case ENOMEM: .memory
    default: nil
    }
  }

  /// That of the call which has just failed on this thread.
  static var ofLastCall: FileError { FileError(number: errno) }

  private static func words(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress else { return "error \(number)" }
      _ = strerror_r(number, start, buffer.count)
      return String(cString: start)
    }
  }
}

/// What a call of the system gives once no signal interrupts it; below zero where it fails.
func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
}
