/// `mask`: logits `[K, H, W]` of K classes for each place; of one class those of the foreground.
struct MaskKind: OutputKind {
  var name: String { "mask" }

  var form: String { "[K, H, W]" }

  var measure: String? { "share of pixels with the same class" }

  func fits(_ shape: [Int]) -> Bool { shape.count == 3 }

  func classes(_ shape: [Int]) -> Int? { shape[0] }

  func agreement(given: [Float], wanted: [Float], shape: [Int], limit: Double) -> Double? {
    guard areFinite(given, wanted) else { return 0 }
    let ours = PlaceClasses(given, shape: shape)
    let theirs = PlaceClasses(wanted, shape: shape)
    let decided = theirs.places.filter { theirs.margin(of: $0) > limit }
    if decided.isEmpty { return nil }
    return Double(decided.count { ours[$0] == theirs[$0] }) / Double(decided.count)
  }

  func leastAgreement(_ bounds: Bounds) -> Double? { bounds.agreement }

  func output(spec: OutputSpec, shape: [Int], values: [Float], transform: InputTransform?) -> any Output {
    MaskOutput(spec: spec, shape: shape, values: values, transform: transform)
  }
}
