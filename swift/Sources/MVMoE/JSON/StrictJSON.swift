/// JSON that others wrote, read strictly: what two parsers may read in two ways is refused.
///
/// UTF-8 without a byte order mark, no key twice, no half of a surrogate pair, nothing that RFC 8259 does not have; bounded
/// depth and numbers. Time and memory are proportional to the text.
package enum StrictJSON {
  /// The bytes of the longest text.
  static let mostBytes = 32 * 1024 * 1024

  /// Objects and arrays within each other.
  static let mostDepth = 64

  /// The digits of one number.
  static let mostDigits = 4300

  /// What the text says.
  ///
  /// - Throws: ``MVMoEError`` with the code that a manifest of this text has (`bundle.manifest-not-json`, ...).
  package static func parse(_ bytes: [UInt8]) throws -> JSONValue {
    guard bytes.count <= mostBytes else {
      throw MVMoEError(
        .bundleTooLarge, "it has more than the \(mostBytes) bytes that are read", fields: ["limit": .integer(mostBytes)]
      )
    }
    return try bytes.withUnsafeBufferPointer { bytes in
      var reader = JSONReader(bytes)
      return try reader.document()
    }
  }
}
