import MVMoE

/// The error for targets of a format that this program does not run.
func unknownFormat(_ given: String, runs format: String) -> MVMoEError {
  MVMoEError(
    .engineUnsupportedPlatform,
    "this program runs targets of the format \(format), and not \(given); give another target")
}

/// The error for an option that this program's engine does not have.
func unknownOption(_ given: String, expected: [String]) -> MVMoEError {
  MVMoEError(
    .engineOption,
    "the engine option \(given) is not one of this program's engine; expected \(expected.joined(separator: ", "))",
    fields: ["option": .text(given)])
}
