#if canImport(ObjectiveC)
  import Foundation

  /// How hot the device is, as `ProcessInfo` has it: what an app looks at before it answers fewer images a second, or takes a
  /// smaller model.
  public enum ThermalState: Int, Sendable, CaseIterable, Comparable {
    /// Nothing is throttled.
    case nominal

    /// A little warm; nothing is slower yet that the user sees.
    case fair

    /// Throttled: the system is slower.
    case serious

    /// Everything that can be is throttled, until the device has cooled down.
    case critical

    public static func < (one: ThermalState, other: ThermalState) -> Bool { one.rawValue < other.rawValue }

    /// The state now.
    public static var current: ThermalState {
      switch ProcessInfo.processInfo.thermalState {
      case .nominal: .nominal
      case .fair: .fair
      case .serious: .serious
      case .critical: .critical
      @unknown default: .critical
      }
    }

    /// The state now, and whenever it changes, until the task that reads is cancelled; a slow reader gets the last one.
    public static var states: AsyncStream<ThermalState> {
      AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
        let changes = NotificationCenter.default.notifications(named: ProcessInfo.thermalStateDidChangeNotification)
        let watching = Task {
          continuation.yield(current)
          for await _ in changes { continuation.yield(current) }
        }
        continuation.onTermination = { _ in watching.cancel() }
      }
    }
  }
#endif
