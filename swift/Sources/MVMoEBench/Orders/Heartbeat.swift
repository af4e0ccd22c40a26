import Dispatch

/// Does something about once a second, on a thread of its own, until it is ended.
final class Heartbeat {
  private let queue = DispatchQueue(label: "io.github.mvmoe.bench.heartbeat")
  private let timer: any DispatchSourceTimer

  init(every seconds: Double = 1, _ beat: @escaping @Sendable () -> Void) {
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now() + seconds, repeating: seconds)
    timer.setEventHandler(handler: beat)
    timer.resume()
  }

  /// Ends it; what it has begun to do is done when this returns.
  func end() {
    timer.cancel()
    queue.sync {}
  }
}
