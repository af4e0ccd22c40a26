import MVMoE

/// Selects one route, whatever the rule selects; both are timed.
///
/// It is `@unchecked Sendable` because its laps are those of the one call that it selects for.
struct Imposed: Selector, @unchecked Sendable {
  let rule: any Rule
  let route: Route
  let laps: Laps

  func select(_ logits: UnsafeBufferPointer<Float>) throws -> Selection {
    _ = try rule.select(logits)
    laps.end(.select)
    let selection = Selection(route: route, gates: try rule.gates(of: route, logits: logits))
    laps.end(.impose)
    return selection
  }
}
