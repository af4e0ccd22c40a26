import MVMoE

/// The values of a graph's inputs or outputs with their names, as ONNX Runtime takes them.
///
/// It is `@unchecked Sendable` because the pointers are never written: ONNX Runtime leaves values that are there as they are.
final class NamedValues: @unchecked Sendable {
  let names: CStrings
  let pointers: UnsafeMutableBufferPointer<OpaquePointer?>
  private let values: [TensorValue]

  init(names: CStrings, values: [TensorValue]) {
    self.names = names
    self.values = values
    pointers = .allocate(capacity: values.count)
    _ = pointers.initialize(from: values.map(\.pointer))
  }

  deinit { pointers.deallocate() }
}
