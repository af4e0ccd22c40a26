import MVMoE

/// Answers images with a model, and says how the answers came about.
struct Explainer: Sendable {
  /// How many classes are shown.
  private static let top = 3

  /// Predictions of each in a comparison.
  private static let runs = 5

  private let routed: Dispatcher
  private let allExperts: Dispatcher?

  init(_ model: OpenModel) {
    routed = model.routed
    allExperts = model.allExperts
  }

  /// The answer for an image that stays, compared with that of all experts; it throws as `Dispatcher.predict` does.
  func still(_ pixels: PixelBuffer) async throws -> Explanation {
    let prediction = try await routed.predict(pixels)
    guard let allExperts else { return explain(prediction, nil) }
    return explain(prediction, try await compare(allExperts, pixels))
  }

  /// The answer for a frame of a camera: there is no time for more.
  func frame(_ pixels: PixelBuffer) async throws -> Explanation { explain(try await routed.predict(pixels), nil) }

  /// In turn, so that whatever else the phone does is the same for both. The first of each is not counted.
  private func compare(_ allExperts: Dispatcher, _ pixels: PixelBuffer) async throws -> Comparison {
    var last = (try await routed.predict(pixels), try await allExperts.predict(pixels))
    var times: (routed: [Duration], all: [Duration]) = ([], [])
    for _ in 0..<Self.runs {
      try Task.checkCancellation()
      last = (try await routed.predict(pixels), try await allExperts.predict(pixels))
      times.routed.append(last.0.timings.total)
      times.all.append(last.1.timings.total)
    }
    let top = top(last.1).first
    return Comparison(
      top: top, isSameAnswer: top?.label == self.top(last.0).first?.label, routed: median(times.routed),
      allExperts: median(times.all), runs: Self.runs)
  }

  private func median(_ times: [Duration]) -> Duration { times.sorted()[times.count / 2] }

  private func explain(_ prediction: Prediction, _ comparison: Comparison?) -> Explanation {
    let classifying = classifying(prediction)?.name
    return Explanation(
      top: top(prediction), stages: decisions(prediction), parts: TimePart.parts(of: prediction.timings),
      total: prediction.timings.total, comparison: comparison,
      others: prediction.outputs.filter { $0.name != classifying }.map(other), marks: Marks(prediction))
  }

  private func classifying(_ prediction: Prediction) -> LogitsOutput? {
    prediction.outputs.lazy.compactMap { $0 as? LogitsOutput }.first
  }

  private func top(_ prediction: Prediction) -> [Share] { classifying(prediction).map(shares) ?? [] }

  private func shares(_ output: LogitsOutput) -> [Share] {
    output.top(Self.top).map { Share(label: $0.label, share: $0.probability) }
  }

  /// An image that was finished early has not reached the last stages.
  private func decisions(_ prediction: Prediction) -> [RouterDecision] {
    let stages = routed.bundle.manifest.stages.filter { $0.rule != nil }
    return zip(stages, zip(prediction.routes, prediction.routerLogits)).compactMap { stage, found in
      stage.rule.map { RouterDecision(stage: stage.name, rule: $0, route: found.0, logits: found.1) }
    }
  }

  private func other(_ output: any Output) -> OtherOutput {
    let found: [Share] =
      switch output {
      case let output as LogitsOutput: shares(output)
      case let output as MaskOutput: output.shares().map { Share(label: $0.label, share: $0.share) }
      default: []
      }
    return OtherOutput(name: output.name, kind: output.kind, shape: output.shape, found: found)
  }
}
