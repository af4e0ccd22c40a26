/// A text that others wrote, as it stands in a sentence: in quotes, not too long, and with an escape for each character that a
/// terminal or a log may obey.
package func quoted(_ text: String, most: Int = longestShown) -> String {
  "'" + shortened(escaped(text, most), most: most) + "'"
}

/// The beginning of a text that is too long, by its code points: one character of a hostile text may be of any length.
func shortened(_ text: String, most: Int = longestShown) -> String {
  let beginning = text.unicodeScalars.prefix(most)
  return beginning.endIndex == text.endIndex ? text : String(beginning) + "..."
}

/// Code points of a text in a sentence.
package let longestShown = 80

private func escaped(_ text: String, _ most: Int) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars.prefix(most + 1) {
    if isObeyed(scalar) { result += escape(scalar).unicodeScalars } else { result.append(scalar) }
  }
  return String(result)
}

private func escape(_ scalar: Unicode.Scalar) -> String {
  let digits = String(scalar.value, radix: 16)
  return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
}

/// Controls, separators of lines, and what turns the direction of the text around it.
private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x00...0x1f, 0x7f...0x9f, 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
  default: false
  }
}
