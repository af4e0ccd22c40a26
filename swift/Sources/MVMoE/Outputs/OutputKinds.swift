/// The kinds of outputs that this release knows, by their names in a manifest.
package enum OutputKinds {
  private static let known: [any OutputKind] = [
    BoxesKind(), EmbeddingKind(), LogitsKind(), MapKind(), MaskKind(), TensorKind(),
  ]

  /// In alphabetic order.
  static var names: [String] { known.map(\.name) }

  package static func find(_ name: String) -> (any OutputKind)? { known.first { $0.name == name } }
}
