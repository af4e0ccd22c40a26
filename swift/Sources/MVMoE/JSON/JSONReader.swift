/// Reads one JSON text, whose bytes stay where they are meanwhile.
struct JSONReader {
  private let bytes: UnsafeBufferPointer<UInt8>

  /// The place of the next byte.
  private var at = 0

  private var depth = 0

  private var strings: JSONStrings

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    strings = JSONStrings(bytes)
  }

  mutating func document() throws -> JSONValue {
    try refuseMarks()
    let value = try value()
    skipSpace()
    guard at == bytes.count else { throw notJSON("there is more text after its value", at) }
    return value
  }

  private func refuseMarks() throws {
    guard JSONReader.marks.contains(where: { bytes.starts(with: $0) }) else { return }
    throw MVMoEError(
      .bundleManifestByteOrderMark, "it begins with a byte order mark (BOM); save it as UTF-8 without one")
  }

  private mutating func value() throws -> JSONValue {
    skipSpace()
    switch sign {
    case "{": return try nested { try $0.members() }
    case "[": return try nested { try $0.items() }
    case "\"": return .string(try string())
    case "t": return try word("true", .boolean(true))
    case "f": return try word("false", .boolean(false))
    case "n": return try word("null", .null)
    case "-", "0"..."9": return .number(try number())
    default: throw notJSON("a value is expected", at)
    }
  }

  /// Goes one level deeper; the limit also bounds the stack.
  private mutating func nested(_ read: (inout JSONReader) throws -> JSONValue) throws -> JSONValue {
    depth += 1
    guard depth <= StrictJSON.mostDepth else {
      throw MVMoEError(
        .bundleManifestTooDeep, "it has more than \(StrictJSON.mostDepth) objects and arrays within each other")
    }
    at += 1
    let value = try read(&self)
    depth -= 1
    return value
  }

  private mutating func members() throws -> JSONValue {
    var members: [(key: String, value: JSONValue)] = []
    guard !ends("}") else { return .object(members) }
    var keys = SeenKeys()
    repeat {
      skipSpace()
      guard sign == "\"" else { throw notJSON("a key in double quotes is expected", at) }
      let key = try string()
      guard keys.isNew(key, after: members) else { throw twice(key) }
      try expect(":")
      members.append((key, try value()))
    } while try continues("}")
    return .object(members)
  }

  private mutating func items() throws -> JSONValue {
    var items: [JSONValue] = []
    guard !ends("]") else { return .array(items) }
    repeat { items.append(try value()) } while try continues("]")
    return .array(items)
  }

  private mutating func string() throws -> String {
    let text = try strings.read(at)
    at = strings.end
    return text
  }

  private mutating func number() throws -> String {
    let start = at
    if sign == "-" { at += 1 }
    if sign == "0" { at += 1 } else { try skipDigits() }
    if sign == "." {
      at += 1
      try skipDigits()
    }
    if sign == "e" || sign == "E" {
      at += 1
      if sign == "+" || sign == "-" { at += 1 }
      try skipDigits()
    }
    if at - start > StrictJSON.mostDigits { try requireFewDigits(bytes[start..<at]) }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  private func requireFewDigits(_ number: Slice<UnsafeBufferPointer<UInt8>>) throws {
    let digits = number.reduce(0) { $0 + (isDigit(Unicode.Scalar($1)) ? 1 : 0) }
    guard digits > StrictJSON.mostDigits else { return }
    throw MVMoEError(
      .bundleManifestOutOfRange, "it has a number of \(digits) digits; at most \(StrictJSON.mostDigits) are read")
  }

  private mutating func skipDigits() throws {
    guard isDigit(sign) else { throw notJSON("a digit is expected", at) }
    repeat { at += 1 } while isDigit(sign)
  }

  private func isDigit(_ sign: Unicode.Scalar) -> Bool { "0" <= sign && sign <= "9" }

  private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
    guard bytes[at...].starts(with: word.utf8) else { throw notJSON("a value is expected", at) }
    at += word.utf8.count
    return value
  }

  /// Whether the object or array has nothing (more) in it; goes behind its bracket then.
  private mutating func ends(_ bracket: Unicode.Scalar) -> Bool {
    skipSpace()
    guard sign == bracket else { return false }
    at += 1
    return true
  }

  private mutating func continues(_ bracket: Unicode.Scalar) throws -> Bool {
    if ends(bracket) { return false }
    guard sign == "," else { throw notJSON("a comma or '\(bracket)' is expected", at) }
    at += 1
    return true
  }

  private mutating func expect(_ wanted: Unicode.Scalar) throws {
    skipSpace()
    guard sign == wanted else { throw notJSON("'\(wanted)' is expected", at) }
    at += 1
  }

  private mutating func skipSpace() {
    while sign == " " || sign == "\n" || sign == "\t" || sign == "\r" { at += 1 }
  }

  /// The next byte, if it is of ASCII; behind the end the sign 0, which no JSON has outside of an escape.
  private var sign: Unicode.Scalar { at < bytes.count ? Unicode.Scalar(bytes[at]) : "\0" }

  private func twice(_ key: String) -> MVMoEError {
    MVMoEError(
      .bundleManifestDuplicateKey, "the key \(quoted(key)) is there twice", fields: ["name": .text(shortened(key))])
  }

  /// The byte order marks of UTF-8 and UTF-16.
  private static let marks: [[UInt8]] = [[0xef, 0xbb, 0xbf], [0xff, 0xfe], [0xfe, 0xff]]
}

/// The error for a text that is no JSON; `reason` is a clause.
func notJSON(_ reason: String, _ at: Int) -> MVMoEError {
  MVMoEError(.bundleManifestNotJson, "it is no strict JSON: \(reason) at byte \(at)")
}
