/// `tensor`: numbers of which nothing else is known; judged by their errors alone.
struct TensorKind: OutputKind {
  /// With the batch no more than a manifest's tensor may have.
  private static let sizes = 1...7

  var name: String { "tensor" }

  var form: String { "[...] (1 to 7 sizes)" }

  func fits(_ shape: [Int]) -> Bool { Self.sizes.contains(shape.count) }

  func output(spec: OutputSpec, shape: [Int], values: [Float], transform: InputTransform?) -> any Output {
    TensorOutput(spec: spec, shape: shape, values: values)
  }
}
