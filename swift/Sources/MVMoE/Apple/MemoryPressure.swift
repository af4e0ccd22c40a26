#if canImport(ObjectiveC)
  import Dispatch

  /// Releases experts when the system asks for memory.
  ///
  /// Calls in flight go on, what is pinned stays, and what is released is loaded again when an image needs it.
  public final class MemoryPressure: Sendable {
    private let events = SystemMemoryEvents()

    private init() {}

    /// Lets the system's requests reach a dispatcher until ``cancel()``, or until the dispatcher is gone.
    ///
    /// What it gives may be dropped. A closed dispatcher may be left in place: it has nothing to release, and is not kept.
    @discardableResult
    public static func watch(_ dispatcher: Dispatcher) -> MemoryPressure {
      let watching = MemoryPressure()
      watching.events.trim(dispatcher)
      return watching
    }

    /// Lets no further request reach the dispatcher.
    public func cancel() { events.cancel() }
  }

  /// The system's memory pressure, `warning` and `critical`: what iOS warns an app of, too.
  private final class SystemMemoryEvents: MemoryEvents {
    private let source = Guarded<(any DispatchSourceMemoryPressure)?>(nil)

    func start(_ handler: @escaping @Sendable () -> Void) {
      let made = DispatchSource.makeMemoryPressureSource(
        eventMask: [.warning, .critical], queue: .global(qos: .utility))
      made.setEventHandler(handler: handler)
      source.withLock { $0 = made }
      made.activate()
    }

    func cancel() {
      let made = source.withLock { source in
        defer { source = nil }
        return source
      }
      made?.cancel()
    }
  }
#endif
