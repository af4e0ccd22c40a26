import Testing

@testable import MVMoE

@Suite struct StrictJSONTests {
  @Test(arguments: [
    "", " ", "{", "[", "\"", "\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "[1", "[1,", "{\"a\":1,", "tru", "nul", "-",
    "nulll",
    "[1,]", "{\"a\":1,}", "[,1]", "[1 2]",
    "{\"a\" 1}", "{a:1}", "{'a':1}", "{1:2}", "{null:1}", "[1]]", "1 1", "{}{}", "]", "}", ",", ":",
    "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x1", "1_0", "--1", "-a", "NaN", "nan", "Infinity",
    "-Infinity", "True", "None",
    "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"",
    "\"\\ud800a\"", "\"\\ud800\\n\"", "\"\\", "\"a\nb\"", "\"a\tb\"", "\"\0\"", "/**/1", "1//", "#1",
    "\u{b}1", "\u{c}1", "\u{a0}1", "\u{2028}1", "1\0",
  ])
  func whatIsNoJSONIsRefused(_ text: String) { #expect(code(of: text) == .bundleManifestNotJson) }

  @Test(
    arguments: [
      [0xff], [0xc0, 0x80], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80],
      [0xf4, 0x90, 0x80, 0x80], [0x80], [0xc3, 0xa9, 0xff],
    ] as [[UInt8]])
  func bytesThatAreNoUTF8AreRefused(_ bytes: [UInt8]) {
    let quote = UInt8(ascii: "\"")
    #expect(code(of: [quote] + bytes + [quote]) == .bundleManifestNotJson)
    #expect(code(of: [quote] + bytes + Array("\\n\"".utf8)) == .bundleManifestNotJson)
    #expect(code(of: Array("{\"a".utf8) + bytes + Array("\":1}".utf8)) == .bundleManifestNotJson)
  }

  @Test func whatStandsOutsideOfTextsIsASCII() { #expect(code(of: "é") == .bundleManifestNotJson) }

  @Test func textsAreReadAsTheyWereWritten() throws {
    let written = #""aé€😀\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00""#
    #expect(try text(written).utf8.elementsEqual("aé€😀\"\\/\u{8}\u{c}\n\r\té€😀".utf8))
    #expect(try text("\"\"") == "")
    #expect(try text("\"a\u{7f}b\"") == "a\u{7f}b")
    #expect(try text("\"[{,:}]\"") == "[{,:}]")
    #expect(try text(#""\u0000\ufeff""#).unicodeScalars.map(\.value) == [0, 0xfeff])
  }

  @Test func lettersAreNotComposed() throws {
    #expect(try Array(text("\"e\u{301}\"").utf8) == [0x65, 0xcc, 0x81])
    #expect(try Array(text(#""e\u0301""#).utf8) == [0x65, 0xcc, 0x81])
    #expect(try Array(text("\"\u{212a}\"").utf8) == [0xe2, 0x84, 0xaa])
  }

  @Test(arguments: [
    "0", "-0", "1", "-12", "0.5", "1e5", "1E-05", "-1.25e+10", "123456789012345678901234567890", "1e400",
  ])
  func numbersKeepHowTheyAreWritten(_ number: String) throws {
    guard case .number(number) = try parse(" \(number)\n") else {
      Issue.record("it was read as another value")
      return
    }
  }

  @Test func aNumberWithAFractionOrAnExponentIsNoInteger() {
    #expect(["-12", "0", "1.0", "1e2", "1E2"].filter(JSONValue.isInteger) == ["-12", "0"])
  }

  @Test func objectsKeepTheOrderOfTheirMembers() throws {
    let value = try parse("{\"b\" : [ ] ,\"a\": {} , \"\\u0063\" :[true,false,null]}")
    guard case .object(let members) = value, case .array(let items) = members[2].value else {
      Issue.record("it was read as another value")
      return
    }
    #expect(members.map(\.key) == ["b", "a", "c"])
    #expect(items.map(\.kind) == ["a boolean", "a boolean", "null"])
  }

  @Test(arguments: [
    "{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"\\u0061\":1}", "[{\"b\":{\"\":1,\"\":2}}]", "{\"é\":1,\"\\u00e9\":1}",
  ])
  func aKeyTwiceIsRefusedHoweverItIsWrittenAndWhereverItIs(_ text: String) {
    #expect(code(of: text) == .bundleManifestDuplicateKey)
  }

  @Test(arguments: [
    "{\"a\":{\"a\":1},\"A\":[{\"a\":1},{\"a\":1}]}", "{\"é\":1,\"e\u{301}\":1}", "{\"K\":1,\"\u{212a}\":1}",
  ])
  func keysDifferIfTheirBytesDo(_ text: String) throws {
    guard case .object(let members) = try parse(text) else {
      Issue.record("it was read as another value")
      return
    }
    #expect(members.count == 2)
  }

  @Test(arguments: [2, 15, 16, 17, 18, 100])
  func aKeyTwiceIsFoundAmongManyKeys(_ count: Int) throws {
    let keys = (0..<count).map { "\"key number \($0)\":0" }
    #expect(code(of: "{\(keys.joined(separator: ","))}") == nil)
    for place in [0, count / 2, count - 1] {
      #expect(code(of: "{\((keys + [keys[place]]).joined(separator: ","))}") == .bundleManifestDuplicateKey)
    }
  }

  @Test func moreThan64LevelsAreRefusedWithoutAStackForEach() {
    #expect(code(of: repeated("[", 64) + repeated("]", 64)) == nil)
    #expect(code(of: repeated("[", 65) + repeated("]", 65)) == .bundleManifestTooDeep)
    #expect(code(of: repeated("{\"a\":", 1_000_000)) == .bundleManifestTooDeep)
    // Side by side they are not within each other.
    #expect(code(of: "[" + repeated("[[]],", 1000) + "[]]") == nil)
  }

  @Test func moreThan4300DigitsAreRefused() {
    #expect(code(of: "-" + repeated("1", 4300)) == nil)
    #expect(code(of: repeated("1", 4301)) == .bundleManifestOutOfRange)
    #expect(code(of: "0." + repeated("1", 4300)) == .bundleManifestOutOfRange)
    #expect(code(of: "-0." + repeated("1", 4299)) == nil)
  }

  @Test(arguments: [[0xef, 0xbb, 0xbf], [0xff, 0xfe], [0xfe, 0xff]] as [[UInt8]])
  func byteOrderMarksAreRefused(_ mark: [UInt8]) {
    #expect(code(of: mark + Array("{}".utf8)) == .bundleManifestByteOrderMark)
  }

  @Test func moreThan32MiBAreRefused() {
    let most = [UInt8(ascii: "1")] + Array(repeating: UInt8(ascii: " "), count: StrictJSON.mostBytes - 1)
    #expect(code(of: most) == nil)
    #expect(code(of: most + [UInt8(ascii: " ")]) == .bundleTooLarge)
  }

  @Test func sentencesShowNothingThatATerminalObeys() {
    let error = refusal { try parse("{\"\\u001b[2J\\u202e\":1,\"\\u001b[2J\\u202e\":1}") }
    #expect(error?.message == "the key '\\u001b[2J\\u202e' is there twice")
    for key in [repeated("k", 10_000), "k" + repeated("\u{301}", 10_000)] {
      let sentence = refusal { try parse("{\"\(key)\":1,\"\(key)\":1}") }?.message ?? ""
      #expect(sentence.unicodeScalars.count < 200)
    }
  }

  private func repeated(_ text: String, _ times: Int) -> String { String(repeating: text, count: times) }

  private func parse(_ text: String) throws -> JSONValue { try StrictJSON.parse(Array(text.utf8)) }

  private func text(_ json: String) throws -> String {
    guard case .string(let text) = try parse(json) else { return "no text" }
    return text
  }

  private func code(of text: String) -> ErrorCode? { code(of: Array(text.utf8)) }

  /// The code with which a text is refused; nil where it is read.
  private func code(of bytes: [UInt8]) -> ErrorCode? {
    do {
      _ = try StrictJSON.parse(bytes)
      return nil
    } catch {
      return (error as? MVMoEError)?.code
    }
  }
}
