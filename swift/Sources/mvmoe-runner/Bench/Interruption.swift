import Dispatch
import Foundation

/// What is done at the first Ctrl-C, or request to end, instead of ending at once; the second one ends the process.
final class Interruption {
  private static let signals = [SIGINT, SIGTERM]

  private let sources: [any DispatchSourceSignal]

  init(_ interrupted: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "io.github.mvmoe.runner.interruption")
    sources = Self.signals.map { number in
      // Whoever started this may have been told to ignore Ctrl-C; and the source hears a signal that does nothing itself.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        signal(number, SIG_DFL)
        interrupted()
      }
      source.resume()
      return source
    }
  }

  /// Signals are obeyed again.
  func end() {
    for (number, source) in zip(Self.signals, sources) {
      source.cancel()
      signal(number, SIG_DFL)
    }
  }
}
