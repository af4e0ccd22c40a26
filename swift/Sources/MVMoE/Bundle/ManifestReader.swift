/// Reads the fields of a manifest, each within its own range; what they say together is ``Consistency``'s question.
enum ManifestReader {
  static let format = "mvmoe-bundle"
  static let version = 2

  /// The manifest that a JSON text is.
  ///
  /// - Throws: ``MVMoEError`` with the first fault; its message goes on after "the manifest is wrong: ".
  static func read(_ json: JSONValue) throws -> Manifest {
    let root = Field(value: json, path: "$")
    try requireVersion(root)
    return try root.record(readManifest)
  }

  /// Looked at first: the fields of another version say nothing of it.
  private static func requireVersion(_ root: Field) throws {
    let fields = try Fields(root.value, root.path)
    let (format, version) = (fields.find("format")?.value, fields.find("version")?.value)
    if isFormat(format) && isVersion(version) { return }
    throw MVMoEError(
      .bundleUnsupportedVersion,
      "it is of the format \(shown(format)), version \(shown(version)); this release reads '\(Self.format)', version "
        + "\(Self.version): export the bundle again",
      fields: ["format": .text(shown(format)), "version": .text(shown(version))])
  }

  private static func isFormat(_ value: JSONValue?) -> Bool {
    guard case .string(let text) = value else { return false }
    return ExactText(text) == ExactText(format)
  }

  /// Whether a number is that of the version; how it is written is asked with all other fields.
  private static func isVersion(_ value: JSONValue?) -> Bool {
    guard case .number(let text) = value else { return false }
    return Double(text) == Double(version)
  }

  private static func shown(_ value: JSONValue?) -> String {
    switch value {
    case nil: "that is missing"
    case .string(let text), .number(let text): quoted(text)
    default: "that is neither a text nor a number"
    }
  }

  private static func readManifest(_ fields: Fields) throws -> Manifest {
    _ = try fields.oneOf("format", [format])
    _ = try fields.int("version", version...version)
    return Manifest(
      model: try fields.record("model", readModel),
      source: try fields.record("source", readSource),
      input: try fields.record("input", readInput),
      stages: try fields.list("stages", 1...1000, readStage),
      outputs: try fields.list("outputs", 1...64, readOutput),
      targets: try fields["targets"].named(sizes: 1...100, readTarget).map(\.value),
      usagePrior: try fields.nullable("usage_prior") { try $0.list { try $0.list(readShare) } },
      golden: try fields.record("golden", readGolden),
      restrictions: try fields.list("restrictions", 0...1000, default: [], readRestriction)
    )
  }

  private static func readModel(_ fields: Fields) throws -> ModelInfo {
    ModelInfo(
      family: try fields.text("family"),
      name: try fields.text("name"),
      paramsTotal: try fields.int("params_total", FieldRanges.count),
      paramsActive: try fields.int("params_active", FieldRanges.count),
      macs: try fields.int("macs", FieldRanges.count)
    )
  }

  private static func readSource(_ fields: Fields) throws -> Source {
    Source(
      checkpointSha256: try fields.nullable("checkpoint_sha256") { try $0.text(.sha256) },
      packages: try fields.map("packages") { try $0.text() },
      weights: try fields.optional("weights") { try $0.text() },
      input: try fields.map("input", keys: trainedField, default: [:]) { try $0.oneOf(origins) }
    )
  }

  private static func readShare(_ field: Field) throws -> RouteShare {
    try field.record { fields in
      RouteShare(route: try readRoute(fields["route"]), share: try fields.number("share", FieldRanges.share))
    }
  }

  private static func readRestriction(_ field: Field) throws -> Restriction {
    try field.record { fields in
      Restriction(
        stage: try fields.int("stage", 1...1000),
        rule: try fields.record("rule", Rules.read),
        route: try fields.optional("route", readRoute),
        kept: try fields.optional("kept", readRoute)?.experts
      )
    }
  }

  private static func readGolden(_ fields: Fields) throws -> GoldenSpec {
    GoldenSpec(images: try fields.int("images", 1...10_000), file: try readFile(fields["file"]))
  }

  private static let origins = ["default", "checkpoint", "option"]

  private static let trained = [
    "channel_order", "resize", "crop_fraction", "resize_size", "pad_level", "pad_place", "pad_rounding",
    "interpolation",
    "mean", "std",
  ]

  /// The fields of `input` that belong to a model's training.
  private static let trainedField = TextForm("one of \(trained.joined(separator: ", "))", lengths: 1...13) { text in
    trained.contains { ExactText($0) == ExactText(text) }
  }
}
