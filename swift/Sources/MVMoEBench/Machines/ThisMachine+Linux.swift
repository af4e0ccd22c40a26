#if os(Linux)
  import CProcessFacts
  import Foundation

  /// This process on this machine: Linux.
  public struct ThisMachine: Machine {
    /// This machine.
    public init() {}

    public var memoryKind: MemoryKind { .own }

    public func threadCPU() -> Int? {
      var time = timespec()
      guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return nil }
      return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    public func held(bundle: URL) -> Held {
      // What was freed is nobody's, though malloc keeps its pages.
      mvmoe_return_free_memory()
      return OwnMemory.held(bundle: bundle)
    }

    public func peakResident() -> Int? { ProcFiles.bytes("status", "VmHWM:") }

    /// The proportional set size: with its share of what other processes hold too.
    public func memory() -> Int? { ProcFiles.bytes("smaps_rollup", "Pss:") }

    /// Nobody says.
    public func thermal() -> Thermal? { nil }
  }
#endif
