#if canImport(CoreML)
  import CoreML
  import CoreVideo
  import Foundation
  import MVMoE

  /// A prediction over tensors of a dispatcher.
  ///
  /// It is `@unchecked Sendable` because it is made once and then only read, and is never run twice at a time. It keeps the
  /// tensors, to whose memory Core ML's arrays have bare addresses.
  final class AppleCall: CoreMLCall, @unchecked Sendable {
    private let model: AppleModel
    private let tensors: [Tensor]
    private let provider: MLDictionaryFeatureProvider
    private let pictures: [ApplePicture]
    private let backings: [String: MLMultiArray]
    private let names: [String]
    private let intoMemory = MLPredictionOptions()
    private let elsewhere = MLPredictionOptions()

    init(_ model: AppleModel, inputs: [String: ModelInput], outputs: [String: Tensor]) throws {
      self.model = model
      var (values, pictures, tensors): ([String: Any], [ApplePicture], [Tensor]) = ([:], [], Array(outputs.values))
      for (name, input) in inputs {
        switch input {
        case .array(let tensor):
          values[name] = MLFeatureValue(multiArray: try array(over: tensor))
          tensors.append(tensor)
        case .picture(let picture):
          let native = try ApplePicture(picture)
          values[name] = MLFeatureValue(pixelBuffer: native.buffer)
          pictures.append(native)
        }
      }
      self.pictures = pictures
      self.tensors = tensors
      provider = try MLDictionaryFeatureProvider(dictionary: values)
      backings = try outputs.mapValues(array(over:))
      names = Array(outputs.keys)
      intoMemory.outputBackings = backings
    }

    func predict(intoMemory isProposed: Bool) async throws -> [String: PredictedOutput] {
      for picture in pictures { try picture.update() }
      let given = try await model.predict(provider, isProposed ? intoMemory : elsewhere)
      var outputs: [String: PredictedOutput] = [:]
      for name in names {
        guard let array = given.featureValue(for: name)?.multiArrayValue else { continue }
        // Core ML says by the object's identity whether it has written into the memory that was proposed.
        let isInPlace = isProposed && array === backings[name]
        outputs[name] = isInPlace ? .inPlace : .array(AppleArray(array: array))
      }
      return outputs
    }
  }

  /// An array over the memory of a tensor, which has to be kept as long.
  private func array(over tensor: Tensor) throws -> MLMultiArray {
    guard let address = tensor.bytes.baseAddress else { throw CocoaError(.coderInvalidValue) }
    var (strides, step): ([NSNumber], Int) = ([], 1)
    for size in tensor.shape.reversed() {
      strides.insert(NSNumber(value: step), at: 0)
      step *= size
    }
    return try MLMultiArray(
      dataPointer: address, shape: tensor.shape.map { NSNumber(value: $0) }, dataType: try dataType(tensor.dtype),
      strides: strides, deallocator: nil)
  }

  private func dataType(_ type: DType) throws -> MLMultiArrayDataType {
    switch type {
    case .float32: return .float32
    case .float16: return .float16
    case .int32: return .int32
    case .int64, .int8: throw CocoaError(.coderInvalidValue)
    }
  }

  /// An array that Core ML has made.
  private struct AppleArray: GivenArray {
    let array: MLMultiArray

    var type: String { typeName(array.dataType) }

    var shape: [Int] { array.shape.map(\.intValue) }

    func read(_ body: (UnsafeRawBufferPointer, [Int]) throws -> Void) throws {
      // Reading alone gives no strides, and these may be others than the array says before its memory is asked for.
      try array.withUnsafeMutableBytes { bytes, strides in try body(UnsafeRawBufferPointer(bytes), strides) }
    }
  }
#endif
