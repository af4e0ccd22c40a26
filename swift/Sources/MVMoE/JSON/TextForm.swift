/// Which texts a field may have: how long, in code points, and of which characters.
package struct TextForm: Sendable {
  private let words: String

  private let lengths: ClosedRange<Int>

  private let fits: @Sendable (String) -> Bool

  /// A form that `words` describe; `fits` is asked of texts of one of the lengths.
  package init(_ words: String, lengths: ClosedRange<Int>, fits: @escaping @Sendable (String) -> Bool) {
    self.words = words
    self.lengths = lengths
    self.fits = fits
  }

  package func contains(_ text: String) -> Bool {
    // A code point has at most four bytes: their number is there at once.
    text.utf8.count / 4 <= lengths.upperBound && lengths.contains(text.unicodeScalars.count) && fits(text)
  }
}

extension TextForm {
  /// Free text without control characters.
  package static let text = TextForm("a text of at most 1000 characters without control characters", lengths: 0...1000)
  {
    text in
    text.unicodeScalars.allSatisfy { $0.value > 0x1f && !(0x7f...0x9f).contains($0.value) }
  }

  /// The name of a target, stage, graph, tensor, package, ...
  package static let name = of(
    "a name: 1 to 200 characters of A-Z a-z 0-9 _ . - that begin with a letter, a digit or _", 1...200,
    first: letters + digits + "_", all: letters + digits + "_.-")

  /// The name of a strategy, precision or kind of output.
  package static let part = of(
    "a name: 1 to 64 characters of a-z 0-9 _ - that begin with a letter", 1...64,
    first: small, all: small + digits + "_-")

  /// What a caller chooses.
  package static let choice = of(
    "a name: 1 to 64 characters of a-z 0-9 _ that begin with a letter", 1...64, first: small, all: small + digits + "_")

  /// A path relative to the bundle; whether it leads out of it is asked later.
  package static let path = of(
    "a path: 1 to 500 characters of A-Z a-z 0-9 _ . / -", 1...500,
    first: letters + digits + "_./-", all: letters + digits + "_./-")

  /// The SHA-256 of a file.
  package static let sha256 = of(
    "64 hexadecimal digits in lower case", 64...64, first: digits + "abcdef", all: digits + "abcdef")

  private static let small = "abcdefghijklmnopqrstuvwxyz"
  private static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + small
  private static let digits = "0123456789"

  private static func of(_ words: String, _ lengths: ClosedRange<Int>, first: String, all: String) -> TextForm {
    let (first, all) = (Letters(first), Letters(all))
    return TextForm(words, lengths: lengths) { text in
      text.utf8.first.map(first.contains) ?? false && text.utf8.allSatisfy(all.contains)
    }
  }
}

extension TextForm: CustomStringConvertible {
  package var description: String { words }
}

/// Some characters of ASCII: a bit for each.
private struct Letters: Sendable {
  private var bits: (UInt64, UInt64) = (0, 0)

  init(_ letters: String) {
    for byte in letters.utf8 {
      if byte < 64 { bits.0 |= 1 << UInt64(byte) } else { bits.1 |= 1 << UInt64(byte & 63) }
    }
  }

  func contains(_ byte: UInt8) -> Bool {
    byte < 128 && (byte < 64 ? bits.0 : bits.1) >> UInt64(byte & 63) & 1 == 1
  }
}
