/// What a JSON text says.
package enum JSONValue: Sendable {
  /// Nothing.
  case null

  /// `true` or `false`.
  case boolean(Bool)

  /// A number as it is written: whoever asks for it says which type it needs.
  case number(String)

  /// A text, its escapes resolved.
  case string(String)

  /// Items in the order of the text.
  case array([JSONValue])

  /// Members in the order of the text, each key once. Keys differ if their bytes do.
  case object([(key: String, value: JSONValue)])
}

extension JSONValue {
  /// What it is, in a sentence.
  var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .number(let text): JSONValue.isInteger(text) ? "an integer" : "a number with a fraction or exponent"
    case .string: "a text"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// Whether a number is written without a fraction and without an exponent.
  static func isInteger(_ number: String) -> Bool {
    number.utf8.allSatisfy { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }
  }
}
