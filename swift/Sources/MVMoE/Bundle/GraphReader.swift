func readGraph(_ field: Field) throws -> Graph {
  try field.record { fields in
    Graph(
      name: try fields.name("name"),
      stage: try fields.int("stage", 0...1000),
      route: try fields.nullable("route", readRoute),
      file: try fields.text("file", .path),
      entry: try fields.optional("entry", readName),
      weightBytes: try fields.int("weight_bytes", FieldRanges.count),
      exclusiveBytes: try fields.int("exclusive_bytes", FieldRanges.count),
      inputs: try fields.list("inputs", 1...10_000, readTensor),
      outputs: try fields.list("outputs", FieldRanges.tensors, readTensor),
      bound: try fields.map("bound", sizes: FieldRanges.weights, default: [:], readBound),
      placement: try fields.list("placement", 0...20, default: [], readPlacement)
    )
  }
}

private func readTensor(_ field: Field) throws -> TensorSpec {
  try field.record { fields in
    TensorSpec(
      name: try fields.name("name"),
      shape: try readShape(fields["shape"]),
      dtype: try readDType(fields["dtype"]),
      pixels: try fields.optional("pixels", readPixels)
    )
  }
}

private func readPixels(_ field: Field) throws -> PixelScaling {
  try field.record { fields in
    PixelScaling(
      channelOrder: try readChannelOrder(fields["channel_order"]),
      scale: try fields.numbers("scale", factors, 1...3),
      bias: try fields.numbers("bias", factors, 1...3)
    )
  }
}

private func readBound(_ field: Field) throws -> BoundInput {
  try field.record { BoundInput(place: try $0.int("place", 0...100_000), tensor: try $0.name("tensor")) }
}

private func readPlacement(_ field: Field) throws -> Placement {
  try field.record { fields in
    Placement(
      engine: try fields.name("engine"),
      partitions: try fields.int("partitions", FieldRanges.count),
      nodesOutside: try fields.int("nodes_outside", FieldRanges.count),
      outside: try fields.map("outside", readCount),
      nodes: try fields.optional("nodes", readCount),
      verdict: try fields.optional("verdict") { try $0.text() }
    )
  }
}

private let factors = NumberRange.closed(-1e6, 1e6)
