/// What an export has fixed at one routed stage of the model (`docs/bundle.md`, `restrictions`): either its ``route``, or the
/// experts that are ``kept``.
public struct Restriction: Sendable {
  /// The model's own routed stage, counted from 1, with those that are no stages of the bundle any more.
  public let stage: Int

  /// What the stage selected by before.
  public let rule: any Rule

  /// The route of every image, where it is constant; nil else.
  public let route: Route?

  /// The experts that the stage's rule still selects from, in ascending order; nil where the route is constant.
  public let kept: [Int]?
}
