/// What PyTorch makes of a bundle's golden images (`docs/bundle.md`, *Golden vectors*). Images count from 0, stages from 1.
protocol GoldenAnswers {
  var images: Int { get }

  /// The logits `[E]` of a routed stage; empty where it has no router.
  func logits(stage: Int, image: Int) throws -> [Float]

  /// The route at a routed stage; nil where the image was finished before.
  func members(stage: Int, image: Int) throws -> Route?

  /// The values `[...]` of an output.
  func output(_ name: String, image: Int) throws -> [Float]

  /// The shape of an output for one image.
  func shape(_ name: String) throws -> [Int]
}
