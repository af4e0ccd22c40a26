import Foundation

/// Ends this process with the one that holds the other end of a pipe.
enum Lifeline {
  /// Waits for the end of the pipe on a thread of its own.
  static func hold(_ descriptor: Int32) {
    let thread = Thread {
      var byte: UInt8 = 0
      while read(descriptor, &byte, 1) < 0 && errno == EINTR {}
      _exit(ExitCode.interrupted)
    }
    thread.name = "lifeline"
    thread.start()
  }
}
