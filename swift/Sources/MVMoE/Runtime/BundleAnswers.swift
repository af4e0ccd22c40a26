/// The golden vectors of a bundle as answers to compare with.
struct BundleAnswers: GoldenAnswers {
  private let vectors: GoldenVectors
  private let manifest: Manifest
  private let shapes: OutputShapes

  init(_ vectors: GoldenVectors, _ manifest: Manifest) throws {
    self.vectors = vectors
    self.manifest = manifest
    shapes = try OutputShapes.of(manifest)
  }

  var images: Int { vectors.images }

  func logits(stage: Int, image: Int) throws -> [Float] { try vectors.logits(stage: stage, image: image) }

  func members(stage: Int, image: Int) throws -> Route? { try vectors.members(stage: stage, image: image) }

  func output(_ name: String, image: Int) throws -> [Float] { try vectors.output(name, image: image) }

  func shape(_ name: String) throws -> [Int] {
    try shapes.of(try known(manifest.outputs.first { $0.name == name }, "output \(name)"))
  }
}
