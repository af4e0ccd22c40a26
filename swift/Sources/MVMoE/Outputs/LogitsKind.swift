/// `logits`: scores `[classes]` before a softmax; the highest is the answer, of equal ones the lowest class.
struct LogitsKind: OutputKind {
  var name: String { "logits" }

  var form: String { "[classes]" }

  var classifies: Bool { true }

  var measure: String? { "top-1 agreement" }

  func fits(_ shape: [Int]) -> Bool { shape.count == 1 }

  func classes(_ shape: [Int]) -> Int? { shape[0] }

  func agreement(given: [Float], wanted: [Float], shape: [Int], limit: Double) -> Double? {
    guard areFinite(given, wanted) else { return 0 }
    let reference = scores(of: wanted)
    if reference.margin() <= limit { return nil }
    return scores(of: given).best() == reference.best() ? 1 : 0
  }

  func leastAgreement(_ bounds: Bounds) -> Double? { bounds.agreement }

  func output(spec: OutputSpec, shape: [Int], values: [Float], transform: InputTransform?) -> any Output {
    LogitsOutput(spec: spec, shape: shape, values: values)
  }

  private func scores(of values: [Float]) -> ClassScores {
    ClassScores(values: values, first: 0, step: 1, classes: values.count)
  }
}
