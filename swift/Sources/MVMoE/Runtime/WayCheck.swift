/// Compares the routes that images took, and the logits that sent them there, with the golden ones.
struct WayCheck {
  private let golden: any GoldenAnswers
  private let rules: [any Rule]
  private let bound: Double
  private let peaks: [Peaks]
  private var routerError = 0.0

  init(_ golden: any GoldenAnswers, rules: [any Rule], bound: Double) throws {
    self.golden = golden
    self.rules = rules
    self.bound = bound
    peaks = try rules.indices.map { stage in
      var peaks = Peaks()
      for image in 0..<golden.images {
        for logit in try golden.logits(stage: stage + 1, image: image) { peaks.see(logit) }
      }
      return peaks
    }
  }

  mutating func ways(of answered: [Answered]) throws -> Ways {
    var ends: [WayEnd] = []
    for (image, found) in answered.enumerated() { ends.append(try end(of: found, image)) }
    return Ways(ends: ends, routerError: routerError)
  }

  private mutating func end(of found: Answered, _ image: Int) throws -> WayEnd {
    for stage in rules.indices {
      guard let members = try golden.members(stage: stage + 1, image: image) else { break }  // It was finished before.
      let end = try end(of: found, image, stage, members)
      if end != .arrived { return end }  // What comes after it cannot be compared.
    }
    return .arrived
  }

  private mutating func end(of found: Answered, _ image: Int, _ stage: Int, _ members: Route) throws -> WayEnd {
    let wanted = try golden.logits(stage: stage + 1, image: image)
    var differences = Differences(from: peaks[stage])
    for (given, logit) in zip(found.logits[stage], wanted) { differences.compare(given, logit) }
    routerError = larger(routerError, differences.relative)
    guard let taken = stage < found.routes.count ? found.routes[stage] : nil else { return .rerouted }
    if taken == members { return .arrived }
    let limit = differences.limit(part: 0, bound: bound)
    let isTie = areFinite(wanted) ? try rules[stage].margin(wanted) <= limit : false
    return isTie ? .nearTie : .rerouted
  }
}
