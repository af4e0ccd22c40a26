/// How the target's graphs in a row compared with PyTorch at export (`docs/verify.md`). For people and reports.
public struct Verification: Sendable {
  /// Golden images that were taken through all graphs.
  public let images: Int

  /// Share of them with PyTorch's route.
  public let routingAgreement: Double

  /// Largest error of a router's logit, relative to the largest one.
  public let routerError: Double

  /// What it had to meet.
  public let routerErrorBound: Double

  /// Largest error of any output, relative to the largest value of that output on its route.
  public let answerError: Double

  /// What it had to meet.
  public let answerErrorBound: Double

  /// How each output compared, by its name.
  public let outputs: [String: VerifiedOutput]

  /// Images whose route rounding may flip.
  public let nearTies: Int

  /// Routes that none of the images took and that were forced.
  public let forcedRoutes: Int

  /// How often the best class was right; nil where images had no labels.
  public let accuracy: VerifiedAccuracy?
}
