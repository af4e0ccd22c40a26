/// The rules that this release knows, by their names in a manifest. Each reads its own fields.
enum Rules {
  private static let readers: [(name: String, read: @Sendable (Fields) throws -> any Rule)] = [
    (Given.name, Given.read), (Threshold.name, Threshold.read), (TopK.name, TopK.read), (TopP.name, TopP.read),
  ]

  private static let anyText = TextForm("a text", lengths: 0...Int.max) { _ in true }

  /// In alphabetic order.
  static var names: [String] { readers.map(\.name) }

  /// The rule of an object `{"type": "top_k", "experts": 4}`; the caller calls the fields' `end`.
  ///
  /// - Throws: ``MVMoEError`` for fields that are not those of the rule (`bundle.manifest-...`), a rule that is not known
  ///   (`bundle.unknown-rule`), and values that leave no route (`routing.rule-invalid`).
  static func read(_ fields: Fields) throws -> any Rule {
    let type = try fields.text("type", anyText)
    guard let reader = readers.first(where: { $0.name == type }) else { throw unknown(type, fields) }
    do {
      return try reader.read(fields)
    } catch let error as MVMoEError where error.code == .routingRuleInvalid && error.cause == nil {
      // That of a rule within a rule has its place already, and its cause.
      throw MVMoEError(
        error.code, "\(fields.path) is no rule that images can follow: \(error.message)", fields: error.fields,
        cause: error)
    }
  }

  private static func unknown(_ type: String, _ fields: Fields) -> MVMoEError {
    MVMoEError(
      .bundleUnknownRule,
      "\(fields.path) is of the rule \(quoted(type)); this release has \(names.joined(separator: ", ")): use a release "
        + "that has the rule",
      fields: ["name": .text(shortened(type)), "installed": .list(names.map(ErrorValue.text))])
  }
}
