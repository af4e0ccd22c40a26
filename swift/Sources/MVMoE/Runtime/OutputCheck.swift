/// One output of the images that took their golden route.
struct OutputCheck {
  private let golden: any GoldenAnswers
  private let spec: OutputSpec
  private let bounds: Bounds
  private let kind: any OutputKind
  private let shape: [Int]

  init(_ golden: any GoldenAnswers, _ spec: OutputSpec, _ bounds: Bounds) throws {
    self.golden = golden
    self.spec = spec
    self.bounds = bounds
    kind = try known(OutputKinds.find(spec.kind), "kind \(spec.kind)")
    shape = try golden.shape(spec.name)
  }

  func check(_ answered: [Answered], images: [Int]) throws -> CheckedOutput {
    var differences = Differences(from: try peaks())
    for image in images {
      let wanted = try golden.output(spec.name, image: image)
      for (place, found) in try values(answered[image]).enumerated() where place < wanted.count {
        differences.compare(found, wanted[place], part: kind.part(of: place, shape: shape))
      }
    }
    return CheckedOutput(
      name: spec.name, kind: kind.name, measure: kind.measure,
      agreement: kind.measure == nil ? nil : try agreement(answered, images, differences),
      leastAgreement: kind.leastAgreement(bounds), error: differences.relative)
  }

  private func values(_ answered: Answered) throws -> [Float] {
    try known(answered.outputs[spec.name], "output \(spec.name)")
  }

  private func peaks() throws -> Peaks {
    var peaks = Peaks(parts: kind.parts.count)
    for image in 0..<golden.images {
      for (place, wanted) in try golden.output(spec.name, image: image).enumerated() {
        peaks.see(wanted, part: kind.part(of: place, shape: shape))
      }
    }
    return peaks
  }

  private func agreement(_ answered: [Answered], _ images: [Int], _ differences: Differences) throws -> Double {
    let limit = differences.limit(part: kind.decidingPart, bound: bounds.answerError)
    return kind.summary(
      try images.compactMap { image in
        let wanted = try golden.output(spec.name, image: image)
        return kind.agreement(given: try values(answered[image]), wanted: wanted, shape: shape, limit: limit)
      })
  }
}
