extension ModelBundle {
  /// The target that an engine of `format` runs: `wanted`, or the one that is called as the format, or else the first of that
  /// format.
  ///
  /// - Throws: ``MVMoEError`` where there is none (`bundle.no-target`).
  package func target(ofFormat format: String, _ wanted: String?) throws -> Target {
    let candidates = manifest.targets.filter { $0.format == format && (wanted == nil || $0.name == wanted) }
    if let found = candidates.first(where: { $0.name == format }) ?? candidates.first { return found }
    throw noTarget(ofFormat: format, wanted)
  }

  private func noTarget(ofFormat format: String, _ wanted: String?) -> MVMoEError {
    let available = manifest.targets.map(\.name).sorted()
    let shown = manifest.targets.map { "\($0.name) (\($0.format))" }.joined(separator: ", ")
    let asked = wanted.map { "target \($0)" } ?? "target"
    return MVMoEError(
      .bundleNoTarget,
      "bundle \(root.path) has no \(asked) of the engine's format \(format); it has \(shown): export it with --target "
        + "\(format), or give the engine of another target",
      fields: ["target": .text(wanted ?? format), "available": .list(available.map(ErrorValue.text))])
  }
}
