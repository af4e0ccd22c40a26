import Testing

@testable import MVMoE

@Suite struct QuotedTests {
  @Test func aTextIsInQuotes() {
    #expect(quoted("a b") == "'a b'")
    #expect(quoted("") == "''")
    #expect(quoted("é😀") == "'é😀'")
  }

  @Test(arguments: [
    ("\0", "\\u0000"), ("\u{1b}[2J", "\\u001b[2J"), ("\u{7f}\u{9b}", "\\u007f\\u009b"), ("\u{2028}", "\\u2028"),
    ("\u{202e}\u{2066}", "\\u202e\\u2066"), ("\u{200e}\u{200f}\u{61c}", "\\u200e\\u200f\\u061c"),
    ("\r\n", "\\u000d\\u000a"),
  ])
  func whatATerminalObeysIsEscaped(_ text: String, _ shown: String) { #expect(quoted(text) == "'\(shown)'") }

  @Test func aLongTextIsCutOff() {
    let long = String(repeating: "x", count: 81)
    #expect(quoted(long) == "'\(String(repeating: "x", count: 80))...'")
    #expect(quoted(String(long.dropFirst())) == "'\(String(repeating: "x", count: 80))'")
    #expect(quoted("abcdef", most: 3) == "'abc...'")
    #expect(shortened("abc", most: 3) == "abc")
    #expect(quoted(String(repeating: "\0", count: 100)).utf8.count < 100)
  }

  @Test func aCharacterOfManyMarksIsCutOff() {
    let text = "e" + String(repeating: "\u{301}", count: 100_000)
    #expect(text.count == 1)
    #expect(shortened(text).unicodeScalars.count == 83)
    #expect(quoted(text).unicodeScalars.count == 85)
  }
}
