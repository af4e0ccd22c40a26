import Foundation

@testable import MVMoEBench

/// A machine whose figures are known.
struct TestMachine: Machine {
  var memoryKind: MemoryKind { .pss }

  func threadCPU() -> Int? { nil }

  func held(bundle: URL) -> Held { Held(total: 1000) }

  func peakResident() -> Int? { 2000 }

  func memory() -> Int? { 1500 }

  func thermal() -> Thermal? { Thermal(.light, headroom: 0.5) }
}
