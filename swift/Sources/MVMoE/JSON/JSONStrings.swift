/// Reads the strings of a JSON text.
struct JSONStrings {
  private let bytes: UnsafeBufferPointer<UInt8>

  /// The place behind the closing quote of the last string.
  private(set) var end = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The string whose opening quote is at this place.
  mutating func read(_ quote: Int) throws -> String {
    let start = quote + 1
    let stop = try plainUntil(start)
    guard sign(stop) == "\\" else {
      end = stop + 1
      return try decoded(start, stop)
    }
    return try escaped(start, stop)
  }

  private mutating func escaped(_ start: Int, _ firstEscape: Int) throws -> String {
    var text = try decoded(start, firstEscape)
    end = firstEscape
    while sign(end) == "\\" {
      text.unicodeScalars.append(try escape())
      let stop = try plainUntil(end)
      if stop > end { text += try decoded(end, stop) }
      end = stop
    }
    end += 1
    return text
  }

  /// The place of the next quote or backslash.
  private func plainUntil(_ start: Int) throws -> Int {
    var place = start
    while place < bytes.count {
      let byte = bytes[place]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return place }
      if byte < 0x20 { throw notJSON("a control character stands in a text without an escape", place) }
      place += 1
    }
    throw notJSON("a text ends without its quote", place)
  }

  /// What the escape at ``end`` stands for; goes behind it.
  private mutating func escape() throws -> Unicode.Scalar {
    let start = end
    end += 2
    switch sign(start + 1) {
    case "\"": return "\""
    case "\\": return "\\"
    case "/": return "/"
    case "b": return "\u{8}"
    case "f": return "\u{c}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u": return try unicode(start)
    default: throw notJSON("an escape is unknown", start)
    }
  }

  /// The character of one escape like `\u00e9` at `start`, or of two that are a surrogate pair.
  private mutating func unicode(_ start: Int) throws -> Unicode.Scalar {
    let first = try codeUnit(start)
    end = start + JSONStrings.escapeLength
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard UTF16.isLeadSurrogate(first), sign(end) == "\\", sign(end + 1) == "u" else { throw half(start) }
    let second = try codeUnit(end)
    guard UTF16.isTrailSurrogate(second) else { throw half(start) }
    end += JSONStrings.escapeLength
    return UTF16.decode(UTF16.EncodedScalar([first, second]))
  }

  private func half(_ start: Int) -> MVMoEError { notJSON("half a character is escaped", start) }

  /// The four digits behind the `\u` at `start`.
  private func codeUnit(_ start: Int) throws -> UInt16 {
    try (start + 2..<start + JSONStrings.escapeLength).reduce(0) { try $0 << 4 | hexadecimal($1) }
  }

  private func hexadecimal(_ place: Int) throws -> UInt16 {
    let sign = sign(place)
    switch sign {
    case "0"..."9": return UInt16(sign.value - 0x30)
    case "a"..."f": return UInt16(sign.value - 0x57)
    case "A"..."F": return UInt16(sign.value - 0x37)
    default: throw notJSON("a hexadecimal digit is expected", place)
    }
  }

  private func decoded(_ start: Int, _ stop: Int) throws -> String {
    let piece = UnsafeBufferPointer(rebasing: bytes[start..<stop])
    let text = String(decoding: piece, as: UTF8.self)
    // Decoding replaces what is no UTF-8.
    guard text.utf8.count == piece.count, text.utf8.elementsEqual(piece) else {
      throw notJSON("a text is not in UTF-8", start)
    }
    return text
  }

  /// The byte at this place, if it is of ASCII; 0 behind the end.
  private func sign(_ place: Int) -> Unicode.Scalar { place < bytes.count ? Unicode.Scalar(bytes[place]) : "\0" }

  /// The length of an escape like `\u00e9`.
  private static let escapeLength = 6
}
