func readCompression(_ fields: Fields) throws -> Compression {
  Compression(
    weights: try fields.name("weights"),
    activations: try fields.name("activations"),
    layers: try fields.int("layers", FieldRanges.count),
    plainBytes: try fields.int("plain_bytes", FieldRanges.count),
    left: try fields.list("left", 0...100_000, readLeftLayer),
    calibration: try fields.optional("calibration") { try $0.record(readCalibration) },
    smoothed: try fields.int("smoothed", FieldRanges.count, default: 0)
  )
}

private func readLeftLayer(_ field: Field) throws -> LeftLayer {
  try field.record { fields in
    LeftLayer(
      graph: try fields.name("graph"), operator: try fields.name("operator"), layer: try fields.text("layer"),
      reason: try fields.text("reason"))
  }
}

private func readCalibration(_ fields: Fields) throws -> Calibration {
  Calibration(
    images: try fields.int("images", FieldRanges.count),
    sha256: try fields.text("sha256", .sha256),
    routed: try readCounts(fields, "routed"),
    forced: try readCounts(fields, "forced")
  )
}

/// A count for each expert of each routed stage.
private func readCounts(_ fields: Fields, _ name: String) throws -> [[Int]] {
  try fields.list(name, 0...1000) { try $0.list(0...100_000, readCount) }
}
