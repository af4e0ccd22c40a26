import COnnxRuntime
import MVMoE

/// ONNX Runtime's tensors over the memory of a dispatcher's, one for each however many bindings have it.
///
/// What the stem gives is an input of every expert's graph, and with `bind` an expert's weights are bound for each route that
/// has the expert. The last user of a value frees it.
///
/// It is `@unchecked Sendable` because the memory's description is never written, and the values are reached under a lock.
final class SharedTensors: @unchecked Sendable {
  private struct Entry {
    weak var value: TensorValue?
  }

  let library: OrtLibrary
  let live: LiveCount
  /// That values lie in the CPU's memory.
  let memory: OpaquePointer
  private let entries = Guarded<[ObjectIdentifier: Entry]>([:])

  init(_ library: OrtLibrary, live: LiveCount) throws {
    self.library = library
    self.live = live
    memory = try library.make {
      library.api.pointee.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &$0)
    }
  }

  deinit { library.api.pointee.ReleaseMemoryInfo(memory) }

  /// The value of a tensor, as long as the caller keeps it.
  ///
  /// - Throws: ``OrtError`` where ONNX Runtime refuses the shape or the memory.
  func value(of tensor: Tensor) throws -> TensorValue {
    try entries.withLock { entries in
      let key = ObjectIdentifier(tensor)
      if let found = entries[key]?.value { return found }
      let made = try TensorValue(tensor, of: self)
      entries[key] = Entry(value: made)
      return made
    }
  }

  /// The last user of a tensor's value is gone; another value may have been made meanwhile.
  func forget(_ tensor: Tensor) {
    let other: TensorValue? = entries.withLock { entries in
      let key = ObjectIdentifier(tensor)
      let other = entries[key]?.value
      if other == nil { entries[key] = nil }
      return other
    }
    // Its other user may have left just now: freed under the lock, it would ask for the lock.
    withExtendedLifetime(other) {}
  }
}
