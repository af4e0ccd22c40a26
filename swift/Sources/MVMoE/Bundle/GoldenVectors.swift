import Foundation

/// The golden vectors of a bundle: inputs, and what PyTorch makes of them (`docs/bundle.md`, *Golden vectors*).
///
/// The file was checked as a whole; rows are read when they are asked for, from the file that was checked. Images count from 0,
/// routed stages from 1. All of a stage that an image does not reach, because it was finished before, is 0. Every method throws
/// ``MVMoEError`` where the file cannot be read any more.
package struct GoldenVectors: Sendable {
  /// The number of images.
  package let images: Int

  private let hasRouter: [Bool]
  private let file: SafetensorsFile

  /// An input `[C, H, W]`, preprocessed already.
  package func image(_ image: Int) throws -> [Float] { try floats("image", image) }

  /// The logits `[E]` of a stage's router; empty where there is none.
  func logits(stage: Int, image: Int) throws -> [Float] {
    hasRouter[stage - 1] ? try floats("logits.\(stage)", image) : []
  }

  /// The route of an image; nil at a stage that it does not reach.
  func members(stage: Int, image: Int) throws -> Route? {
    let members = try file.row("members.\(stage)", image, of: images)
    let experts = members.indices.filter { members[$0] != 0 }
    return experts.isEmpty ? nil : Route(experts)
  }

  /// The gates `[E]` of a stage's experts: 0 for those that are not on the route.
  func gates(stage: Int, image: Int) throws -> [Float] { try floats("gates.\(stage)", image) }

  /// An output of the model, in its shape.
  package func output(_ name: String, image: Int) throws -> [Float] { try floats("outputs.\(name)", image) }

  private func floats(_ name: String, _ image: Int) throws -> [Float] {
    try file.floats(name, image, of: images)
  }
}

extension GoldenVectors {
  /// What names and offsets may take beside the tensors.
  private static let headerBytes = 1 << 20

  private typealias Vectors = [(name: String, kind: SafetensorsFile.Kind)]

  /// The golden vectors of a manifest that was checked.
  ///
  /// - Throws: ``MVMoEError`` where the file is missing or altered, and with `bundle.golden-invalid` where it holds other
  ///   vectors than the manifest makes.
  static func open(_ root: URL, _ manifest: Manifest) throws -> GoldenVectors {
    let record = manifest.golden.file
    let expected = try expectedVectors(manifest)
    let most = expected.map(\.kind.bytes).reduce(headerBytes, saturatedSum)
    if record.bytes > most { throw tooLong(root, record, most) }
    let opened = try CheckedFile.open(root, record).opened
    let file = try SafetensorsFile(opened, record, root)
    try requireVectors(file, expected, root)
    let hasRouter = manifest.rules.map { Choices.router(of: $0) != nil }
    return GoldenVectors(images: manifest.golden.images, hasRouter: hasRouter, file: file)
  }

  private static func tooLong(_ root: URL, _ record: FileRecord, _ most: Int) -> MVMoEError {
    wrongFile(
      .bundleSizeMismatch, record.path,
      "\(record.path) of bundle \(root.path) has \(record.bytes) bytes where at most \(most) make sense",
      fields: ["expected": .integer(most), "found": .integer(record.bytes)])
  }

  private static func saturatedSum(_ one: Int, _ other: Int) -> Int {
    let (sum, overflows) = one.addingReportingOverflow(other)
    return overflows ? Int.max : sum
  }

  /// Type and shape of every vector.
  private static func expectedVectors(_ manifest: Manifest) throws -> Vectors {
    let images = manifest.golden.images
    let shapes = try OutputShapes.of(manifest)
    var vectors: Vectors = [("image", floats([images] + manifest.input.shape))]
    for (index, rule) in manifest.rules.enumerated() {
      let shape = [images, rule.experts]
      if Choices.router(of: rule) != nil { vectors.append(("logits.\(index + 1)", floats(shape))) }
      vectors.append(("members.\(index + 1)", SafetensorsFile.Kind(dtype: "BOOL", shape: shape)))
      vectors.append(("gates.\(index + 1)", floats(shape)))
    }
    for output in manifest.outputs {
      vectors.append(("outputs.\(output.name)", floats([images] + (try shapes.of(output)))))
    }
    return vectors
  }

  private static func floats(_ shape: [Int]) -> SafetensorsFile.Kind {
    SafetensorsFile.Kind(dtype: "F32", shape: shape)
  }

  private static func requireVectors(_ file: SafetensorsFile, _ expected: Vectors, _ root: URL) throws {
    let found = file.types
    let names = Set(expected.map { ExactText($0.name) })
    if let unknown = found.map(\.name).filter({ !names.contains(ExactText($0)) }).min() {
      throw wrongVector(root, unknown, "is unknown; expected \(brief(expected.map(\.name)))")
    }
    let kinds = Dictionary(found.map { (ExactText($0.name), $0.type) }) { first, _ in first }
    for (name, kind) in expected {
      guard let given = kinds[ExactText(name)] else { throw wrongVector(root, name, "is missing") }
      if given != kind { throw wrongVector(root, name, "is \(given) instead of \(kind)") }
    }
  }

  private static func wrongVector(_ root: URL, _ name: String, _ reason: String) -> MVMoEError {
    let sentence = "the golden vectors of bundle \(root.path) are wrong: \(quoted(name)) \(reason)"
    return MVMoEError(
      .bundleGoldenInvalid, "\(sentence); export the bundle again", fields: ["vector": .text(shortened(name))])
  }
}
