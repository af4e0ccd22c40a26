/// A line of a results file (`docs/results.schema.json`); times are nanoseconds, sizes bytes.
protocol Line: Sendable {
  /// Its fields, in their order.
  var plain: PlainData { get }
}

/// Where in a run a line belongs: the job, the subject's key, and the repeat.
struct LinePlace: Sendable, Hashable {
  let job: String
  let subject: String
  let `repeat`: Int

  /// A line of `kind` with these fields and more.
  func line(_ kind: String, _ fields: KeyValuePairs<String, PlainData>) -> PlainData {
    .object(
      [("kind", .text(kind)), ("job", .text(job)), ("subject", .text(subject)), ("repeat", .integer(`repeat`))]
        + fields.map { ($0, $1) })
  }
}

extension PlainData {
  /// The experts of each routed stage.
  static func routes(_ routes: Routes) -> PlainData { .list(routes.map(PlainData.integers)) }
}
