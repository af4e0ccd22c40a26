package func readTarget(_ name: String, _ field: Field) throws -> Target {
  try field.record { fields in
    Target(
      name: name,
      format: try fields.name("format"),
      strategy: try fields.text("strategy", .part),
      precision: try fields.text("precision", .part),
      batch: try fields.int("batch", 1...4096),
      graphs: try fields.list("graphs", 1...100_000, readGraph),
      weights: try fields.nullable("weights") { try $0.text(.path) },
      files: try fields.list("files", 1...200_000, readFile),
      parity: try fields.nullable("parity") { try $0.record(readParity) },
      routersInGraph: try fields.oneOf("routers", ["host", "in-graph"], default: "host") == "in-graph",
      options: try fields.map("options", default: [:], readOption),
      rewrites: try fields.list("rewrites", 0...100, default: [], readName),
      sizes: try fields.optional("sizes") { try $0.record(readSizes) },
      experts: try fields.list("experts", 0...1000, default: []) { try $0.list(0...100_000, readExpertWeights) },
      bounds: try fields.find("bounds")?.record(readBounds) ?? Bounds(),
      compression: try fields.optional("compression") { try $0.record(readCompression) }
    )
  }
}

/// An option of the export: a text, a number, a boolean or null.
private func readOption(_ field: Field) throws -> OptionValue {
  switch field.value {
  case .null: .none
  case .boolean(let value): .boolean(value)
  case .number(let text) where JSONValue.isInteger(text): integer(text)
  case .number: .number(try field.number(.finite))
  default: .text(try field.text())
  }
}

private func integer(_ text: String) -> OptionValue {
  if let number = Int(text) { return .integer(number) }
  return .number(Double(text) ?? .infinity)
}

private func readSizes(_ fields: Fields) throws -> Sizes {
  Sizes(
    distinctBytes: try fields.int("distinct_bytes", FieldRanges.count),
    sharedBytes: try fields.int("shared_bytes", FieldRanges.count),
    expertBytes: try fields.list("expert_bytes", 0...1000, default: []) { try $0.list(readCount) }
  )
}

private func readExpertWeights(_ field: Field) throws -> ExpertWeights {
  try field.record { fields in
    ExpertWeights(
      offset: try fields.int("offset", FieldRanges.count),
      bytes: try fields.int("bytes", FieldRanges.count),
      tensors: try fields.map("tensors", sizes: FieldRanges.weights, readStoredTensor)
    )
  }
}

private func readStoredTensor(_ field: Field) throws -> StoredTensor {
  try field.record { fields in
    StoredTensor(
      offset: try fields.int("offset", FieldRanges.count), shape: try readShape(fields["shape"]),
      dtype: try readDType(fields["dtype"]))
  }
}

private func readBounds(_ fields: Fields) throws -> Bounds {
  let usual = Bounds()
  return Bounds(
    routerError: try fields.number("router_error", FieldRanges.relative, default: usual.routerError),
    answerError: try fields.number("answer_error", FieldRanges.relative, default: usual.answerError),
    psnrDb: try fields.number("psnr_db", .closed(0, 1000), default: usual.psnrDb),
    agreement: try fields.number("agreement", FieldRanges.share, default: usual.agreement),
    routingAgreement: try fields.number("routing_agreement", FieldRanges.share, default: usual.routingAgreement),
    ownErrorFactor: try fields.number("own_error_factor", .closed(0, 1e9), default: usual.ownErrorFactor),
    conditionedError: try fields.number("conditioned_error", FieldRanges.share, default: usual.conditionedError),
    reason: try fields.text("reason", default: usual.reason)
  )
}
