/// `embedding`: a vector `[D]` whose direction is what counts; compared by its cosine.
struct EmbeddingKind: OutputKind {
  var name: String { "embedding" }

  var form: String { "[D]" }

  var measure: String? { "least cosine similarity" }

  func fits(_ shape: [Int]) -> Bool { shape.count == 1 }

  func agreement(given: [Float], wanted: [Float], shape: [Int], limit: Double) -> Double? {
    guard areFinite(given, wanted) else { return 0 }
    // A reference of zeros points nowhere.
    return wanted.allSatisfy { $0 == 0 } ? nil : min(max(cosine(of: given, wanted), 0), 1)
  }

  /// The least of all images: their mean would hide one that points elsewhere.
  func summary(_ agreements: [Double]) -> Double { agreements.min() ?? 1 }

  /// What an error of that size may take from a cosine, of small embeddings too: the bound on errors is relative to the
  /// largest value of all images, and says nothing of where a small embedding points.
  func leastAgreement(_ bounds: Bounds) -> Double? { 1 - bounds.answerError }

  func output(spec: OutputSpec, shape: [Int], values: [Float], transform: InputTransform?) -> any Output {
    EmbeddingOutput(spec: spec, shape: shape, values: values)
  }
}
