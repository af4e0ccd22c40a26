import MVMoE
import MVMoEBench

/// An error with a code, as the last line of the standard error.
struct Described {
  let json: String

  /// Nil for an error without a code.
  init?(_ error: any Error) {
    switch error {
    case let error as MVMoEError: json = Self.json(error.code, error.message, error.fields)
    case let error as PartialResultError: json = Self.json(error.code, error.message, error.fields)
    case let error as CheckFailedError: json = Self.json(error.code, error.message, error.fields)
    default: return nil
    }
  }

  private static func json(_ code: ErrorCode, _ message: String, _ fields: [String: ErrorValue]) -> String {
    let said: PlainData = [
      "error": [
        "code": .text(code.rawValue), "message": .text(message), "fields": .named(fields.mapValues(PlainData.init)),
      ]
    ]
    return (try? said.json()) ?? message
  }
}

extension PlainData {
  /// A particular of an error; a number that is not finite is a text.
  init(_ value: ErrorValue) {
    switch value {
    case .text(let value): self = .text(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = value.isFinite ? .number(value) : .text(value.description)
    case .boolean(let value): self = .boolean(value)
    case .list(let values): self = .list(values.map(PlainData.init))
    case .none: self = .null
    }
  }
}
