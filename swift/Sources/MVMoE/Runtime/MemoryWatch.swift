/// What says that memory is short; started once.
protocol MemoryEvents: Sendable {
  /// Lets each event reach the handler until it is cancelled.
  func start(_ handler: @escaping @Sendable () -> Void)

  func cancel()
}

extension MemoryEvents {
  /// Trims a dispatcher at each event until it is cancelled, or until the dispatcher is gone, which is not kept.
  func trim(_ dispatcher: Dispatcher) {
    start { [weak dispatcher] in
      guard let dispatcher else { return cancel() }
      Task { await dispatcher.trim() }
    }
  }
}
