/// Distinct or not, ascending or not: whether it is a route of its rule is asked later.
func readRoute(_ field: Field) throws -> Route { Route(try field.list { try $0.anyInt() }) }

func readName(_ field: Field) throws -> String { try field.text(.name) }

func readCount(_ field: Field) throws -> Int { try field.int(FieldRanges.count) }

func readShape(_ field: Field) throws -> [Int] { try field.list(0...8) { try $0.int(FieldRanges.size) } }

func readDType(_ field: Field) throws -> DType { try readCase(field) }

func readChannelOrder(_ field: Field) throws -> ChannelOrder { try readCase(field) }

func readFile(_ field: Field) throws -> FileRecord {
  try field.record { fields in
    FileRecord(
      path: try fields.text("path", .path), bytes: try fields.int("bytes", FieldRanges.count),
      sha256: try fields.text("sha256", .sha256))
  }
}

/// The case whose raw value is the field's text.
private func readCase<Case: CaseIterable & RawRepresentable<String>>(_ field: Field) throws -> Case {
  try field.oneOf(Case.allCases.map { ($0.rawValue, $0) })
}
