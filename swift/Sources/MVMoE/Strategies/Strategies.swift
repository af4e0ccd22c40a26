/// The strategies that this release knows, by their names in a manifest.
enum Strategies {
  private static let known: [any Strategy] = [
    AllExpertsStrategy(), BindStrategy(), DispatchStrategy(), ExpertsStrategy(), GatherStrategy(),
  ]

  /// In alphabetic order.
  static var names: [String] { known.map(\.name) }

  static func find(_ name: String) -> (any Strategy)? { known.first { $0.name == name } }
}
