/// How far a target's graphs may be from PyTorch; the defaults are those of any engine in fp32. Errors are relative to the
/// largest reference value.
///
/// A bundle may ask for anything: whoever relies on its bounds needs limits of its own.
public struct Bounds: Sendable {
  /// Largest error of a router's logit.
  public let routerError: Double

  /// Largest error of an output.
  public let answerError: Double

  /// Least peak signal-to-noise ratio of an output of a route, in decibels.
  public let psnrDb: Double

  /// Least share of what the images of a route decide that is the same, near-ties left out.
  public let agreement: Double

  /// Least share of images with the same route, near-ties left out.
  public let routingAgreement: Double

  /// How many times PyTorch's own fp32 error an ill-conditioned model's graphs may be off by.
  public let ownErrorFactor: Double

  /// The most that this allows.
  public let conditionedError: Double

  /// Why these numbers.
  public let reason: String

  init(
    routerError: Double = 1e-4,
    answerError: Double = 1e-4,
    psnrDb: Double = 90.0,
    agreement: Double = 1.0,
    routingAgreement: Double = 1.0,
    ownErrorFactor: Double = 8.0,
    conditionedError: Double = 5e-3,
    reason: String = ""
  ) {
    self.routerError = routerError
    self.answerError = answerError
    self.psnrDb = psnrDb
    self.agreement = agreement
    self.routingAgreement = routingAgreement
    self.ownErrorFactor = ownErrorFactor
    self.conditionedError = conditionedError
    self.reason = reason
  }
}
