/// The routes that a graph with routers inside has taken, as the host sees them afterwards (`docs/bundle.md`, *Routers inside
/// of the graph*).
struct InnerRouting: Sendable {
  private let rules: [any Rule]

  /// Those of each router in a row of `router_logits`.
  private let columns: [Range<Int>]

  /// That of a model with these rules of its routed stages.
  init(_ rules: [any Rule]) {
    self.rules = rules
    var end = 0
    columns = rules.map { rule in
      defer { end += rule.experts }
      return end..<end + rule.experts
    }
  }

  /// The logits `[E]` of each router: views of an image's row `[sum of E]` of `router_logits`.
  func logits(_ row: UnsafeBufferPointer<Float>) -> [UnsafeBufferPointer<Float>] { columns.map { part(row, $0) } }

  /// The routes of an image and their gates, by the rules on its row of `router_logits`.
  ///
  /// The engine may have decided otherwise between experts that are as good as equal.
  ///
  /// - Throws: ``MVMoEError`` for logits that are not finite.
  func select(_ row: UnsafeBufferPointer<Float>) throws -> [Selection] {
    try zip(rules, logits(row)).map { rule, logits in try rule.select(logits) }
  }

  /// Some columns; none where the row ends before, which a rule refuses.
  private func part(_ row: UnsafeBufferPointer<Float>, _ columns: Range<Int>) -> UnsafeBufferPointer<Float> {
    guard columns.upperBound <= row.count else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(rebasing: row[columns])
  }
}
