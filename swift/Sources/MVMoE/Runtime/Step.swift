/// What the first image of a route runs at a stage.
struct Step {
  /// Writes its gates; nil where nothing takes them.
  let gates: (any GatesWriter)?

  /// The graphs that fill slots, in the order of the slots.
  let experts: [CallSite]

  /// The graph that gives what the stage gives; nil where the route finishes images.
  let last: CallSite?
}

/// The steps of the routes that were learned last: a rule may have far more routes than memory has room for.
struct KnownSteps {
  private static let mostKnown = 4096

  private var steps: [Route: Step] = [:]

  /// The routes in the order in which they were learned, as a ring once there are as many as are known at most.
  private var learned: [Route] = []
  private var oldest = 0

  subscript(route: Route) -> Step? { steps[route] }

  mutating func learn(_ route: Route, _ step: Step) {
    if learned.count < Self.mostKnown {
      learned.append(route)
    } else {
      steps[learned[oldest]] = nil
      learned[oldest] = route
      oldest = (oldest + 1) % Self.mostKnown
    }
    steps[route] = step
  }
}
