import Dispatch

/// Brings parts of mapped files into memory while its caller goes on.
///
/// It asks the system for them (`madvise`) and touches no page itself, since one that somebody has cut off would end the
/// process. It asks from a queue, since the question takes milliseconds where the part is not in memory yet. All of it is
/// advice: where many wishes wait, further ones are dropped.
final class BackgroundReader: Sendable {
  private let queue = DispatchQueue(label: "mvmoe.weights", qos: .userInitiated)
  private let waiting = Guarded(0)

  /// Wishes that are neither done nor dropped.
  static let mostWishes = 16

  /// Asks later, in the order of the calls.
  func start(_ ask: @escaping @Sendable () -> Void) {
    let isWelcome = waiting.withLock { waiting in
      if waiting == Self.mostWishes { return false }
      waiting += 1
      return true
    }
    guard isWelcome else { return }
    queue.async { [waiting] in
      ask()
      waiting.withLock { $0 -= 1 }
    }
  }
}
