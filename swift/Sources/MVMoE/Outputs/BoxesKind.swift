/// `boxes`: rows `[N, 4 + C]`: left, top, right, bottom in pixels of the input, then a score from 0 to 1 for each class.
struct BoxesKind: OutputKind {
  private static let scores = 1

  var name: String { "boxes" }

  var form: String { "[N, 4 + C] with C of at least 1" }

  var measure: String? { "share of boxes found on both sides" }

  /// Pixels and scores have nothing in common, so each has its own largest value.
  var parts: [String] { ["coordinates", "scores"] }

  var decidingPart: Int { Self.scores }

  func fits(_ shape: [Int]) -> Bool { shape.count == 2 && shape[1] > DetectorRows.coordinates }

  func classes(_ shape: [Int]) -> Int? { shape[1] - DetectorRows.coordinates }

  func part(of place: Int, shape: [Int]) -> Int { place % shape[1] < DetectorRows.coordinates ? 0 : Self.scores }

  func agreement(given: [Float], wanted: [Float], shape: [Int], limit: Double) -> Double? {
    guard areFinite(given, wanted) else { return 0 }
    return BoxComparison(
      given: DetectorRows(given, shape: shape), wanted: DetectorRows(wanted, shape: shape), limit: limit
    ).share()
  }

  func leastAgreement(_ bounds: Bounds) -> Double? { bounds.agreement }

  func output(spec: OutputSpec, shape: [Int], values: [Float], transform: InputTransform?) -> any Output {
    BoxesOutput(spec: spec, shape: shape, values: values, transform: transform)
  }
}
