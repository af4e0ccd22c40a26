#if canImport(Darwin)
  import CProcessFacts
  import Foundation

  /// This process on this device: macOS, iOS.
  public struct ThisMachine: Machine {
    /// This device.
    public init() {}

    public var memoryKind: MemoryKind { .footprint }

    /// Core ML computes on threads of its own, and whoever waits for it suspends: no thread's time is that of an answer.
    public func threadCPU() -> Int? { nil }

    /// What the system counts for the process: its dirty and compressed memory, that of accelerators included, without clean
    /// pages of files.
    public func held(bundle: URL) -> Held {
      mvmoe_return_free_memory()
      return Held(total: memory() ?? 0)
    }

    public func peakResident() -> Int? { Self.bytes(mvmoe_peak_resident_bytes()) }

    public func memory() -> Int? { Self.bytes(mvmoe_footprint_bytes()) }

    public func thermal() -> Thermal? {
      switch ProcessInfo.processInfo.thermalState {
      case .nominal: Thermal(.none)
      case .fair: Thermal(.light)
      case .serious: Thermal(.severe)
      case .critical: Thermal(.critical)
      @unknown default: nil
      }
    }

    /// Nil where the system does not say.
    private static func bytes(_ count: UInt64) -> Int? { count == 0 ? nil : Int(exactly: count) }
  }
#endif
