/// How often a route is used.
public struct RouteShare: Sendable {
  /// One of the stage's rule.
  public let route: Route

  /// Of the images, from 0 to 1.
  public let share: Double
}
