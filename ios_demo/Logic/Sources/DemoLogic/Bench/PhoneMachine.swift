import Foundation
import MVMoEBench

/// This phone: what its system says of the process, and what the app hears of the rest.
struct PhoneMachine: Machine {
  let machine: any Machine
  let known: LastConditions

  var memoryKind: MemoryKind { machine.memoryKind }

  func threadCPU() -> Int? { machine.threadCPU() }

  func held(bundle: URL) -> Held { machine.held(bundle: bundle) }

  func peakResident() -> Int? { machine.peakResident() }

  func memory() -> Int? { machine.memory() }

  func thermal() -> Thermal? { machine.thermal() }

  func conditions() -> DeviceConditions? {
    let known = known.conditions
    return DeviceConditions(
      thermal: machine.thermal() ?? Thermal(known.heat.status), batteryLevel: known.battery,
      isLowPowerMode: known.isLowPowerMode)
  }
}

/// The conditions that the app has heard of last, for threads that measure.
///
/// It is `@unchecked Sendable` because the value is reached under the lock alone.
final class LastConditions: @unchecked Sendable {
  private let lock = NSLock()
  private var last: Conditions

  init(_ conditions: Conditions) { last = conditions }

  var conditions: Conditions {
    get { lock.withLock { last } }
    set { lock.withLock { last = newValue } }
  }
}
