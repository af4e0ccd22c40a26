import MVMoE

/// How a kind of subject is made.
struct SubjectKind: Sendable {
  /// Makes a subject of an order, which answers these images.
  let make: @Sendable (SubjectOrder, Images, any Engines, Stopwatch) async throws -> any Subject
}

/// The kinds of subjects that this library can make, by the names that orders have for them.
enum SubjectKinds {
  private static let all: KeyValuePairs<String, SubjectKind> = [
    "dispatcher": SubjectKind { try await DispatcherSubject.open($0, images: $1, engines: $2, watch: $3) },
    "bare": SubjectKind { try await BareGraphs.open($0, images: $1, engines: $2, watch: $3) },
    "static": wholeModel { WholeModel.staticName($0.routes ?? []) },
    "all-experts": wholeModel { _ in WholeModel.oneGraph },
    "gather": wholeModel { _ in WholeModel.oneGraph },
  ]

  static var names: [String] { all.map(\.key) }

  /// - Throws: `MVMoEError` for a kind that this version does not have (`input.invalid`).
  static func find(_ name: String) throws -> SubjectKind {
    if let found = all.first(where: { $0.key == name }) { return found.value }
    throw refused("no kind of subjects is called \(quoted(name)); use one version on both sides")
  }

  private static func wholeModel(_ pick: @escaping @Sendable (Query) -> String) -> SubjectKind {
    SubjectKind { try await WholeModel.open($0, images: $1, engines: $2, watch: $3, pick: pick) }
  }
}
