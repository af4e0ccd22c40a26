import Foundation

/// What only a platform knows of the process and of the machine; ``ThisMachine`` is this one.
///
/// All methods may be called from any thread. None of them is called while an answer is timed.
public protocol Machine: Sendable {
  /// What ``held(bundle:)`` counts.
  var memoryKind: MemoryKind { get }

  /// Nanoseconds of CPU that the calling thread has used; nil where the system does not say, or where graphs do not run on
  /// the thread that asks for them.
  func threadCPU() -> Int?

  /// What the process holds at this moment, after it has given back what it has freed.
  func held(bundle: URL) -> Held

  /// The most memory that the process ever had resident, in bytes, shared libraries included; nil where the system does
  /// not say.
  func peakResident() -> Int?

  /// What the process holds in bytes, told quickly and at any time; nil where the system does not say.
  func memory() -> Int?

  /// How hot the device is; nil where the system does not say. Asked no more often than once a second.
  func thermal() -> Thermal?

  /// How the phone is at the end of a job; nil where the machine is none.
  func conditions() -> DeviceConditions?
}

extension Machine {
  /// A machine that is no phone.
  public func conditions() -> DeviceConditions? { nil }
}
