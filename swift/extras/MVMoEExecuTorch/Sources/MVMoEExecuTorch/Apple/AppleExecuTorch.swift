#if canImport(ExecuTorch)
  import ExecuTorch
  import Foundation
  import MVMoE

  /// ExecuTorch itself.
  struct AppleExecuTorch: ExecuTorchPrograms {
    func load(_ file: URL, method: String) throws -> any ExecuTorchMethod {
      let module = Module(filePath: file.path, loadMode: .mmap)
      try module.load(method)
      return AppleMethod(module, method, try module.methodMetadata(method))
    }
  }

  /// A method of a module.
  private final class AppleMethod: ExecuTorchMethod {
    let inputs: [MethodTensor?]
    let outputs: [MethodTensor?]
    private let module: Module
    private let name: String

    init(_ module: Module, _ name: String, _ metadata: MethodMetadata) {
      self.module = module
      self.name = name
      inputs = metadata.inputValueTags.indices.map { metadata.inputTensorMetadata[$0].map(tensor) }
      outputs = metadata.outputValueTags.indices.map { metadata.outputTensorMetadata[$0].map(tensor) }
    }

    func values(over tensors: [MVMoE.Tensor]) throws -> any ExecuTorchValues {
      AppleValues(try tensors.map(value))
    }

    func run(_ values: any ExecuTorchValues, _ read: ([GivenTensor?]) throws -> Void) throws {
      guard let values = values as? AppleValues else { throw CocoaError(.coderInvalidValue) }
      let found = try module.execute(name, values.values)
      // The values keep the memory that is read.
      try withExtendedLifetime(found) { try read(found.map { $0.anyTensor.map(given) }) }
    }
  }

  private final class AppleValues: ExecuTorchValues {
    let values: [Value]

    init(_ values: [Value]) { self.values = values }
  }

  /// A value over the memory of a tensor, which has to be kept as long.
  private func value(over tensor: MVMoE.Tensor) throws -> Value {
    guard let address = tensor.bytes.baseAddress else { throw CocoaError(.coderInvalidValue) }
    return Value(
      AnyTensor(
        bytesNoCopy: address, shape: tensor.shape, dataType: dataType(tensor.dtype), shapeDynamism: .static))
  }

  private func given(_ tensor: AnyTensor) -> GivenTensor {
    var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    tensor.bytes { address, count, type in
      bytes = UnsafeRawBufferPointer(start: address, count: count * (size(type) ?? 0))
    }
    return GivenTensor(tensor: MethodTensor(type: typeName(tensor.dataType), shape: tensor.shape), bytes: bytes)
  }

  private func tensor(_ metadata: TensorMetadata) -> MethodTensor {
    MethodTensor(type: typeName(metadata.dataType), shape: metadata.shape)
  }

  private func dataType(_ type: DType) -> DataType {
    switch type {
    case .float32: .float
    case .float16: .half
    case .int64: .long
    case .int32: .int
    case .int8: .char
    }
  }

  /// A type by its name in manifests; its number where bundles do not have it.
  private func typeName(_ type: DataType) -> String {
    bundleType(type)?.rawValue ?? "type \(type.rawValue)"
  }

  /// Bytes of one number; nil for a type that bundles do not have.
  private func size(_ type: DataType) -> Int? { bundleType(type)?.bytes }

  private func bundleType(_ type: DataType) -> DType? {
    switch type {
    case .float: .float32
    case .half: .float16
    case .long: .int64
    case .int: .int32
    case .char: .int8
    default: nil
    }
  }
#endif
