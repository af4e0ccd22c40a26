/// Compares what an engine answered with the golden vectors, image by image.
enum AnswerCheck {
  static func check(
    _ golden: any GoldenAnswers, _ answered: [Answered], _ manifest: Manifest, _ target: Target
  ) throws -> EngineCheck {
    let bounds = bounds(of: target)
    var check = try WayCheck(golden, rules: manifest.rules, bound: bounds.routerError)
    let ways = try check.ways(of: answered)
    let arrived = ways.images(.arrived)
    let outputs = arrived.isEmpty ? [] : manifest.outputs
    let checked = try outputs.map { try OutputCheck(golden, $0, bounds).check(answered, images: arrived) }
    return EngineCheck(
      images: answered.count, rerouted: ways.images(.rerouted), nearTies: ways.images(.nearTie),
      routerError: ways.routerError, routerErrorBound: bounds.routerError,
      answerError: checked.map(\.error).reduce(0, larger), answerErrorBound: bounds.answerError, outputs: checked)
  }

  /// Those of the target, with the errors that the export was verified by, if it was.
  private static func bounds(of target: Target) -> Bounds {
    let bounds = target.bounds
    guard let verified = target.parity?.verification else { return bounds }
    return Bounds(
      routerError: verified.routerErrorBound, answerError: verified.answerErrorBound, psnrDb: bounds.psnrDb,
      agreement: bounds.agreement, routingAgreement: bounds.routingAgreement, ownErrorFactor: bounds.ownErrorFactor,
      conditionedError: bounds.conditionedError, reason: bounds.reason)
  }
}
