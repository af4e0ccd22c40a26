import Testing

@testable import MVMoE

@Suite struct FieldsTests {
  @Test func valuesOfTheRightTypeAndRangeAreGiven() throws {
    let fields = try fields(
      #"{"i":3,"l":9007199254740992,"n":1,"b":true,"t":"é","x":[1,0.5],"m":{"a":1},"o":null,"z":-0}"#)
    #expect(try fields.int("i", 1...3) == 3)
    #expect(try fields.int("l", 0...(1 << 53)) == 1 << 53)
    #expect(try fields.number("n", .closed(0, 1)) == 1)
    #expect(try fields.boolean("b"))
    #expect(try fields.text("t") == "é")
    #expect(try fields.numbers("x", .finite, 1...2) == [1, 0.5])
    #expect(try fields.map("m") { try $0.int(1...1) } == ["a": 1])
    #expect(try fields.nullable("o") { try $0.int(1...1) } == nil)
    #expect(try fields.int("z", 0...0) == 0)
    try fields.end()
  }

  @Test func whatIsLeftOutHasItsDefaultNullHasNone() throws {
    let fields = try fields(#"{"null":null}"#)
    #expect(try fields.int("a", 1...3, default: 7) == 7)
    #expect(try fields.numbers("b", .finite, default: [1]) == [1])
    #expect(try fields.optional("c") { try $0.int(1...3) } == nil)
    #expect(try fields.optional("null") { try $0.int(1...3) } == nil)
    #expect(fault { try fields.int("null", 1...3, default: 7) } == "bundle.manifest-wrong-type at $.null")
    #expect(fault { try fields.nullable("d") { try $0.int(1...3) } } == "bundle.manifest-missing-field at $")
  }

  @Test func anotherTypeIsRefused() throws {
    let fields = try fields(
      #"{"one":1.0,"exponent":1e2,"text":"1","true":true,"null":null,"array":[],"object":{}}"#)
    let type = "bundle.manifest-wrong-type at $"
    for name in ["one", "exponent", "text", "true", "null", "array", "object"] {
      #expect(fault { try fields.int(name, 0...9) } == "\(type).\(name)")
    }
    #expect(fault { try fields.number("text", .finite) } == "\(type).text")
    #expect(fault { try fields.number("true", .finite) } == "\(type).true")
    #expect(fault { try fields.boolean("one") } == "\(type).one")
    #expect(fault { try fields.text("null") } == "\(type).null")
    #expect(fault { try fields.list("object") { $0 } } == "\(type).object")
    #expect(fault { try fields.map("array") { $0 } } == "\(type).array")
    #expect(fault { try fields.record("array") { $0 } } == "\(type).array")
    #expect(fault { try fields.oneOf("one", ["1.0"]) } == "\(type).one")
  }

  @Test func valuesBeyondARangeAreRefused() throws {
    let fields = try fields(
      """
      {"four":4,"huge":123456789012345678901234567890,"low":-123456789012345678901234567890,"zero":0,"far":1e400,\
      "tiny":1e-400,"list":[1,2,3],"key":{"a b":1},"kelvin":"\u{212a}"}
      """)
    let range = "bundle.manifest-out-of-range at $"
    #expect(fault { try fields.int("four", 1...3) } == "\(range).four")
    #expect(fault { try fields.int("huge", 0...Int.max) } == "\(range).huge")
    #expect(fault { try fields.number("zero", .above(0, 1)) } == "\(range).zero")
    #expect(fault { try fields.number("tiny", .above(0, 1)) } == "\(range).tiny")
    #expect(fault { try fields.number("zero", .below(-1, 0)) } == "\(range).zero")
    #expect(fault { try fields.number("far", .finite) } == "\(range).far")
    #expect(fault { try fields.list("list", 0...2) { $0 } } == "\(range).list")
    #expect(fault { try fields.list("list", 4...9) { $0 } } == "\(range).list")
    #expect(fault { try fields.list("list") { try $0.int(1...2) } } == "\(range).list[2]")
    #expect(fault { try fields.map("key") { $0 } } == "\(range).key")
    #expect(fault { try fields.oneOf("kelvin", ["K"]) } == "\(range).kelvin")
    #expect(try fields["huge"].anyInt() == Int(Int32.max))
    #expect(try fields["low"].anyInt() == Int(Int32.min))
  }

  @Test func fieldsThatNobodyHasAskedForAreRefused() throws {
    let fields = try fields(#"{"a":1,"b":{"c":1}}"#)
    #expect(try fields.int("a", 0...9) == 1)
    #expect(fault { try fields.end() } == "bundle.manifest-unknown-field at $")
    #expect(fault { try fields.record("b") { $0.find("d") } } == "bundle.manifest-unknown-field at $.b")
    try fields.end()
  }

  @Test func aFieldIsAskedForByItsBytes() throws {
    let fields = try fields("{\"\u{212a}\":1}")
    #expect(fields.find("K")?.path.description == nil)
    #expect(fault { try fields.end() } == "bundle.manifest-unknown-field at $")
  }

  @Test func namesAreAsTheDocumentationSays() {
    let long = String(repeating: "x", count: 200)
    let names = ["a", "A1", "_", "9", "a.b-c_d", long]
    let others = ["", ".a", "-a", "a b", "a/b", "é", "\u{212a}", long + "x", "a\n", "a\0"]
    #expect((names + others).filter(TextForm.name.contains) == names)
    let parts = ["a", "a-b", "a_1", "A", "1", "_a", "a.b", "a\n", String(repeating: "a", count: 65)]
    #expect(parts.filter(TextForm.part.contains) == ["a", "a-b", "a_1"])
    #expect(["a_1", "a-b", "", "é"].filter(TextForm.choice.contains) == ["a_1"])
    #expect(["a/../b", "/", "", "a\\b", "a b", "é"].filter(TextForm.path.contains) == ["a/../b", "/"])
    let digits = String(repeating: "0f", count: 32)
    let hashes = [digits, digits.uppercased(), String(digits.dropFirst()), String(repeating: "g", count: 64)]
    #expect(hashes.filter(TextForm.sha256.contains) == [digits])
  }

  @Test func freeTextHasNoControlsAndAtMost1000CodePoints() {
    let most = String(repeating: "😀", count: 1000)
    let marks = "e" + String(repeating: "\u{301}", count: 999)
    let texts = ["", most, most + "😀", "a\u{85}", "\u{7f}", marks, marks + "\u{301}"]
    #expect(texts.filter(TextForm.text.contains) == ["", most, marks])
  }

  @Test func aSentenceSaysWhatWasFoundAndWhatIsExpected() throws {
    let fields = try fields(#"{"a":[{"b":"x"}]}"#)
    let error = refusal { try fields.list("a") { item in try item.record { try $0.int("b", 1...9) } } }
    #expect(error?.message == "$.a[0].b is a text; expected an integer")
    #expect(error?.fields == ["path": "$.a[0].b", "expected": "an integer", "found": "a text"])
  }

  private func fields(_ text: String) throws -> Fields { try Fields(StrictJSON.parse(Array(text.utf8)), "$") }

  private func fault<Result>(_ read: () throws -> Result) -> String {
    guard let error = refusal(of: read), case .text(let path) = error.fields["path"] else { return "none" }
    return "\(error.code.rawValue) at \(path)"
  }
}
