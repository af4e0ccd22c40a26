import MVMoE

extension PlainData {
  /// It as JSON, in one line.
  ///
  /// A number has as many digits as tell it apart from every other one of its type.
  ///
  /// - Throws: ``MVMoE/MVMoEError`` for a number that is not finite (`input.invalid`).
  public func json() throws -> String {
    var text = ""
    try text.append(json: self)
    return text
  }
}

extension String {
  fileprivate mutating func append(json value: PlainData) throws {
    switch value {
    case .null: append("null")
    case .boolean(let value): append(value ? "true" : "false")
    case .integer(let value): append(String(value))
    case .number(let value): try append(finite: value, isFinite: value.isFinite)
    case .float(let value): try append(finite: value, isFinite: value.isFinite)
    case .text(let value): append(quoting: value)
    case .list(let items): try append(items)
    case .object(let members): try append(members)
    }
  }

  private mutating func append(finite number: some CustomStringConvertible, isFinite: Bool) throws {
    guard isFinite else {
      throw MVMoEError(.inputInvalid, "\(number) cannot be written as JSON; give a finite number")
    }
    append(number.description)
  }

  private mutating func append(_ items: [PlainData]) throws {
    append("[")
    for (place, item) in items.enumerated() {
      if place > 0 { append(",") }
      try append(json: item)
    }
    append("]")
  }

  private mutating func append(_ members: [(name: String, value: PlainData)]) throws {
    append("{")
    for (place, member) in members.enumerated() {
      if place > 0 { append(",") }
      append(quoting: member.name)
      append(":")
      try append(json: member.value)
    }
    append("}")
  }

  private mutating func append(quoting text: String) {
    append("\"")
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        append("\\")
        unicodeScalars.append(scalar)
      case "\n": append("\\n")
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
      default: unicodeScalars.append(scalar)
      }
    }
    append("\"")
  }
}
