#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The clock that times are taken by: that of `time.monotonic_ns()` of Python, which plans on the same machine.
public enum MonotonicClock {
  /// Nanoseconds since some moment before the process began.
  public static func nanoseconds() -> Int {
    #if canImport(Darwin)
      return Int(truncatingIfNeeded: clock_gettime_nsec_np(CLOCK_UPTIME_RAW))
    #else
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return time.tv_sec * 1_000_000_000 + time.tv_nsec
    #endif
  }

  /// Seconds since a moment of this clock.
  static func seconds(since start: Int) -> Double { Double(nanoseconds() - start) / 1e9 }
}
