func readParity(_ fields: Fields) throws -> Parity {
  Parity(
    graphs: try fields.int("graphs", FieldRanges.count),
    maxAbsError: try fields.number("max_abs_error", FieldRanges.error),
    tolerance: try fields.number("tolerance", FieldRanges.error),
    verification: try fields.optional("verification") { try $0.record(readVerification) }
  )
}

private func readVerification(_ fields: Fields) throws -> Verification {
  Verification(
    images: try fields.int("images", FieldRanges.count),
    routingAgreement: try fields.number("routing_agreement", FieldRanges.share),
    routerError: try fields.number("router_error", FieldRanges.error),
    routerErrorBound: try fields.number("router_error_bound", FieldRanges.error),
    answerError: try fields.number("answer_error", FieldRanges.error),
    answerErrorBound: try fields.number("answer_error_bound", FieldRanges.error),
    outputs: try fields.map("outputs", sizes: 0...64, readVerifiedOutput),
    nearTies: try fields.int("near_ties", FieldRanges.count),
    forcedRoutes: try fields.int("forced_routes", FieldRanges.count),
    accuracy: try fields.optional("accuracy") { try $0.record(readAccuracy) }
  )
}

private func readAccuracy(_ fields: Fields) throws -> VerifiedAccuracy {
  VerifiedAccuracy(
    images: try fields.int("images", FieldRanges.count),
    reference: try fields.number("reference", FieldRanges.share),
    target: try fields.number("target", FieldRanges.share),
    leastLoss: try fields.number("least_loss", FieldRanges.loss),
    mostLoss: try fields.number("most_loss", FieldRanges.loss)
  )
}

private func readVerifiedOutput(_ field: Field) throws -> VerifiedOutput {
  try field.record { fields in
    VerifiedOutput(
      kind: try fields.text("kind", .part),
      measure: try fields.nullable("measure") { try $0.text() },
      agreement: try fields.nullable("agreement") { try $0.number(FieldRanges.share) },
      maxAbsError: try fields.number("max_abs_error", FieldRanges.error),
      maxRelError: try fields.number("max_rel_error", FieldRanges.error),
      rmsError: try fields.number("rms_error", FieldRanges.error),
      psnrDb: try fields.nullable("psnr_db") { try $0.number(.closed(-1000, 10_000)) }
    )
  }
}
