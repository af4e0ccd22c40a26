#if canImport(CoreML)
  import CoreML
  import CoreVideo
  import Foundation
  import MVMoE
  import ObjectiveC

  /// A model of Core ML.
  ///
  /// It is `@unchecked Sendable` because the model is not changed once it is loaded, and because Core ML allows asynchronous
  /// predictions of one model from several threads at once.
  final class AppleModel: CoreMLModel, @unchecked Sendable {
    let inputs: [ModelFeature]
    let outputs: [ModelFeature]
    private var model: MLModel?

    init(_ model: MLModel) {
      self.model = model
      inputs = features(model.modelDescription.inputDescriptionsByName)
      outputs = features(model.modelDescription.outputDescriptionsByName)
    }

    deinit {
      // What Core ML has left to a pool keeps the model's memory until the pool is emptied.
      autoreleasepool { model = nil }
    }

    func call(inputs: [String: ModelInput], outputs: [String: Tensor]) throws -> any CoreMLCall {
      try autoreleasepool { try AppleCall(self, inputs: inputs, outputs: outputs) }
    }

    func predict(_ input: any MLFeatureProvider, _ options: MLPredictionOptions) async throws -> any MLFeatureProvider {
      guard let model else { throw CocoaError(.featureUnsupported) }
      return try await model.prediction(from: input, options: options)
    }
  }

  /// Inputs or outputs in the order of their names, since Core ML's have none.
  private func features(_ descriptions: [String: MLFeatureDescription]) -> [ModelFeature] {
    descriptions.values.map(feature).sorted { $0.name < $1.name }
  }

  private func feature(_ description: MLFeatureDescription) -> ModelFeature {
    ModelFeature(name: description.name, kind: kind(description))
  }

  private func kind(_ description: MLFeatureDescription) -> ModelFeature.Kind {
    if description.type == .multiArray, let array = description.multiArrayConstraint {
      return .array(shape: array.shape.map(\.intValue), type: typeName(array.dataType))
    }
    if description.type == .image, let image = description.imageConstraint {
      return .image(width: image.pixelsWide, height: image.pixelsHigh, channels: channels(image.pixelFormatType))
    }
    return .other("feature type \(description.type.rawValue)")
  }

  private func channels(_ format: OSType) -> Int? {
    switch format {
    case kCVPixelFormatType_OneComponent8: 1
    case kCVPixelFormatType_32BGRA: 3
    default: nil
    }
  }

  /// A type by its name in manifests; its number where bundles do not have it.
  func typeName(_ type: MLMultiArrayDataType) -> String {
    switch type {
    case .float16: "float16"
    case .float32: "float32"
    case .double: "float64"
    case .int32: "int32"
    default: "type \(type.rawValue)"
    }
  }
#endif
