func readStage(_ field: Field) throws -> Stage {
  try field.record { fields in
    Stage(
      name: try fields.name("name"),
      rule: try fields.nullable("rule") { try $0.record(Rules.read) },
      router: try fields.nullable("router", readName),
      takes: try fields.map("takes", sizes: FieldRanges.tensors, readName),
      gives: try fields.map("gives", sizes: FieldRanges.tensors, readName),
      finishes: try fields.list("finishes", 0...1024, default: [], readRoute)
    )
  }
}

func readOutput(_ field: Field) throws -> OutputSpec {
  try field.record { fields in
    OutputSpec(
      name: try fields.name("name"),
      kind: try fields.text("kind", .part),
      tensors: try fields.list("tensors", 1...1000, readName),
      labels: try fields.optional("labels") { try $0.list(0...1_000_000) { try $0.text() } }
    )
  }
}
