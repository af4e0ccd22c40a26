/// A route with the gate of each of its experts.
public struct Selection: Sendable, Equatable {
  /// The experts that the image takes.
  public let route: Route

  /// The weight of each expert's output, in the order of the route.
  public let gates: [Float]

  package init(route: Route, gates: [Float]) {
    self.route = route
    self.gates = gates
  }
}

/// Gives an image its route, as a rule does.
public protocol Selector: Sendable {
  /// The route and gates of one image's logits `[E]`.
  ///
  /// Where a stage has no router, the buffer is empty and is not read.
  ///
  /// - Throws: ``MVMoEError`` where there are not E logits (`routing.logits-shape`), or one of them is not finite
  ///   (`routing.not-finite`): there is no default route.
  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection
}

extension Selector {
  /// As ``select(_:)-(UnsafeBufferPointer<Float>)``, of an array.
  public func select(_ logits: [Float]) throws -> Selection { try logits.withUnsafeBufferPointer(select) }
}

/// How the logits of one router become a route (`docs/bundle.md`, *Routing*).
///
/// Invariants:
/// - Every route has at least one expert and at most ``longest``.
/// - The gates of a selected route are those that ``gates(of:logits:)`` gives: there is one formula, whether a route was
///   selected or imposed.
/// - Gates are finite for any finite logits and any route of the rule.
public protocol Rule: Selector {
  /// Its name in a manifest: `top_k`.
  var name: String { get }

  /// The number of experts E, which is that of the logits.
  var experts: Int { get }

  /// The experts that some route has, in ascending order: all, unless some were dropped.
  var usable: [Int] { get }

  /// The most experts of one route.
  var longest: Int { get }

  /// How many experts a route may have, ascending; each has at least one route.
  var lengths: [Int] { get }

  /// The number of routes, in decimal digits: it may be astronomically large. The time to say so is not.
  var routeCount: String { get }

  /// Every route, lazily: there may be more than memory holds.
  func routes() -> AnySequence<Route>

  /// The routes of that many experts, lazily; the first of them at once.
  func routes(ofLength length: Int) -> AnySequence<Route>

  /// Whether a route is one of the rule's.
  func contains(_ route: Route) -> Bool

  /// The gates that one image's logits give to the experts of a route that was imposed.
  ///
  /// - Throws: ``MVMoEError`` as `select` does, and for a route of another rule (`routing.unknown-route`).
  func gates(of route: Route, logits: UnsafeBufferPointer<Float>) throws -> [Float]

  /// By how much logits keep their route.
  ///
  /// However all logits are changed, each by less than half of it, the route stays the same. Infinite where nothing changes
  /// it.
  ///
  /// - Throws: ``MVMoEError`` as `select` does.
  func margin(_ logits: UnsafeBufferPointer<Float>) throws -> Double

  /// The rule in a few words for people: `top 2 of 8 experts`.
  func describe() -> String
}

extension Rule {
  /// As ``gates(of:logits:)-(_,UnsafeBufferPointer<Float>)``, of an array.
  public func gates(of route: Route, logits: [Float]) throws -> [Float] {
    try logits.withUnsafeBufferPointer { try gates(of: route, logits: $0) }
  }

  /// As ``margin(_:)-(UnsafeBufferPointer<Float>)``, of an array.
  public func margin(_ logits: [Float]) throws -> Double { try logits.withUnsafeBufferPointer(margin) }
}
