/// The way of one image through the stages.
struct Passage {
  /// The route and gates of each routed stage that it reached.
  let selections: [Selection]

  /// The stage that ran last.
  let last: Int
}

extension InferenceBuffers {
  /// Takes the first image of the buffers through the stages, until it is finished.
  ///
  /// Between two graphs the caches are full of weights and every line runs cold, so there is as little here as can be: what a
  /// route needs is looked up once, in ``step(_:_:)``.
  ///
  /// - Parameters:
  ///   - selectors: what selects the routes, one for each routed stage.
  ///   - callersImage: an image `[1, C, H, W]` that the stem reads where it lies, instead of that of the buffers.
  func passOne(_ selectors: [any Selector], callersImage: Tensor? = nil) async throws -> Passage {
    try await stem(callersImage).run(laps, ready: .stem, run: .stem)
    var selections: [Selection] = []
    selections.reserveCapacity(selectors.count)
    for stage in 1..<(selectors.count + 1) {
      let selection = try selectors[stage - 1].select(firstLogits[stage - 1])
      selections.append(selection)
      let step = try step(stage, selection.route)
      guard let last = step.last else {
        laps.end(.select)
        return Passage(selections: selections, last: stage - 1)
      }
      weights?.advise(stage: stage, route: selection.route)
      step.gates?.write(selection.gates)
      laps.end(.select)
      for expert in step.experts { try await expert.run(laps, ready: .load, run: .expert) }
      try await last.run(laps, ready: .load, run: .expert)
    }
    return Passage(selections: selections, last: selectors.count)
  }
}
