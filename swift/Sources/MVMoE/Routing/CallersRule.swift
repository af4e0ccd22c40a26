/// A rule whose route the caller of the dispatcher may choose, by a name.
///
/// Where there is no rule ``otherwise``, the stage has no router, and what selects without a chosen name throws
/// `routing.choice-missing`.
package protocol CallersRule: Rule {
  /// What is chosen (`task`); one choice is made for all stages that name it.
  var choice: String { get }

  /// What may be chosen, with the route of each.
  var named: [String: Route] { get }

  /// The rule that decides where nothing was chosen.
  var otherwise: (any Rule)? { get }

  /// What gives every image the route of a name; of nil the rule ``otherwise``.
  ///
  /// - Throws: ``MVMoEError`` for an unknown name (`routing.choice-unknown`), and for nil where no rule decides otherwise
  ///   (`routing.choice-missing`).
  func chosen(_ name: String?) throws -> any Selector
}
