import MVMoE

/// Reads an order strictly: fields that it does not know, or of another type, are refused.
func readOrder(_ json: [UInt8]) throws -> MeasurementOrder {
  try Field(value: StrictJSON.parse(json), path: "$").record(readOrder)
}

private let counts = 0...Int(Int32.max)

/// Paths, and names that people gave: of any characters.
private let anyText = TextForm("a text", lengths: 0...1_000_000) { _ in true }

private func readOrder(_ fields: Fields) throws -> MeasurementOrder {
  // What only another program needs: each subject of an order is of one kind of process.
  _ = try fields.boolean("one_subject", default: false)
  return MeasurementOrder(
    job: try fields.text("job", anyText),
    kind: try fields.text("kind", anyText),
    repeat: try fields.int("repeat", counts),
    preset: try fields.record("preset", readPreset),
    images: try fields.text("images", anyText),
    names: try fields.list("names", default: []) { try $0.text(anyText) },
    labels: try fields.find("labels")?.list { label in try label.orNil { try $0.text(anyText) } } ?? [],
    reference: try fields.texts("reference"),
    subjects: try fields.list("subjects") { try readSubject($0) },
    status: try fields.optional("status") { try $0.text(anyText) },
    started: try fields.int("started_ns", 0...Int.max, default: 0))
}

/// Seconds.
private let day = 86_400.0

private func readPreset(_ fields: Fields) throws -> Preset {
  Preset(
    name: try fields.text("name", anyText),
    repeats: try fields.int("repeats", counts),
    queries: try fields.int("queries", counts),
    seconds: try fields.number("seconds", .finite),
    mostSeconds: try fields.number("most_seconds", .finite),
    warmup: try fields.int("warmup", counts),
    starts: try fields.int("starts", counts),
    stream: try fields.int("stream", counts),
    cooldown: try fields.number("cooldown", .finite),
    sustained: try fields.number("sustained", .finite, default: 0),
    paced: try fields.number("paced", .closed(0, day), default: 0),
    rate: try fields.number("rate", .closed(0.1, 1000), default: 30))
}

private func readSubject(_ field: Field) throws -> SubjectOrder {
  try field.record { fields in
    try skipWhatPythonNeeds(fields)
    return SubjectOrder(
      key: try fields.text("key", anyText),
      kind: try fields.text("kind", anyText),
      root: try fields.text("root", anyText),
      manifestSHA256: try fields.optional("manifest_sha256") { try $0.text() },
      target: try fields.optional("target") { try $0.text() },
      outputKinds: try fields.texts("output_kinds"),
      classOutput: try fields.optional("class_output") { try $0.text() },
      engineOptions: try fields.texts("engine_options"),
      threads: try fields.int("threads", counts),
      budget: try fields.optional("budget") { try $0.int(counts) },
      queries: try fields.list("queries") { try readQuery($0) })
  }
}

/// Fields that only a program in Python uses, or that only the planner reads back.
private func skipWhatPythonNeeds(_ fields: Fields) throws {
  _ = try fields.list("engine_modules", default: []) { try $0.text() }
  _ = try fields.text("program", default: "")
  _ = try fields.record("requested") { fields in
    EngineChoice(engine: try fields.text("engine"), provider: try fields.optional("provider") { try $0.text() })
  }
  _ = try fields.optional("config") { try $0.text(anyText) }
  _ = try fields.optional("weights") { try $0.text(anyText) }
  _ = try fields.boolean("plugins", default: false)
}

private func readQuery(_ field: Field) throws -> Query {
  try field.record { fields in
    Query(
      image: try fields.int("image", counts),
      routes: try fields.optional("routes") { routes in
        try routes.list { route in try route.list { try $0.int(counts) } }
      },
      forced: try fields.boolean("forced", default: false),
      choices: try fields.texts("choices"))
  }
}

extension Fields {
  /// Texts by any name; none where the field is left out.
  fileprivate func texts(_ name: String) throws -> [String: String] {
    try map(name, keys: anyText, default: [:]) { try $0.text(anyText) }
  }
}
