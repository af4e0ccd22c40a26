/// One of the model's outputs in the buffers: a tensor `[B, ...]`.
struct ModelOutput {
  /// Its place in the manifest's list.
  let output: Int

  /// The manifest's name of the tensor.
  let tensorName: String

  /// The shape of it for one image.
  let shape: [Int]

  private let tensor: Tensor

  init(_ result: Pipeline.Result, _ tensor: Tensor) {
    output = result.output
    tensorName = result.tensor
    shape = Array(tensor.shape.dropFirst())
    self.tensor = tensor
  }

  /// A copy of the first image's values.
  func values() -> [Float] { Array(tensor.floats(ofImage: 0)) }
}
