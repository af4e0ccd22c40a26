import MVMoE

/// An input or output as a model describes it.
struct ModelFeature: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    /// Numbers; the shape is empty where the model leaves it open. The type is that of manifests, or any other text.
    case array(shape: [Int], type: String)

    /// An image; 1 channel for grey, 3 for colours, nil for any other format of pixels.
    case image(width: Int, height: Int, channels: Int?)

    /// What bundles do not have, in Core ML's words.
    case other(String)
  }

  let name: String

  let kind: Kind

  /// It as the tensor that the manifest has in its place.
  ///
  /// An open shape is that of the manifest: what is given is compared when the graph has run.
  func signature(_ spec: TensorSpec?) -> Signature {
    switch kind {
    case .array(let shape, let type):
      // A graph that takes a picture must not be given numbers.
      if spec?.pixels != nil { return Signature(name: name, shape: shape, dtype: "\(type) numbers, no image") }
      return Signature(name: name, shape: shape.isEmpty ? spec?.shape ?? [] : shape, dtype: type)
    case .image(let width, let height, let channels):
      guard let spec, spec.pixels != nil, let channels else { return Signature(name: name, shape: [], dtype: "image") }
      return Signature(name: name, shape: [1, channels, height, width], dtype: spec.dtype.rawValue)
    case .other(let type):
      return Signature(name: name, shape: [], dtype: type)
    }
  }
}
