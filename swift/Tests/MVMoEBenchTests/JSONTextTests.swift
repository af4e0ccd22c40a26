import MVMoE
import Testing

@testable import MVMoEBench

@Suite struct JSONTextTests {
  @Test func fieldsKeepTheirNamesAndTheirOrder() throws {
    let line = FailureLine(job: "latency:0", subject: "dispatcher onnx", message: "it failed", code: nil)
    #expect(
      try line.plain.json()
        == #"{"kind":"failure","job":"latency:0","subject":"dispatcher onnx","message":"it failed","code":null}"#)
  }

  @Test func numbersHaveAsManyDigitsAsTellThemApart() throws {
    let given: PlainData = [.float(0.1), .float(1e-30), 16_777_217, .integer(.max), .number(1)]
    #expect(try given.json() == "[0.1,1e-30,16777217,9223372036854775807,1.0]")
  }

  @Test func textsAreEscaped() throws {
    #expect(try PlainData(dictionaryLiteral: ("a\"\\", "\n\u{1}ä\r\n")).json() == #"{"a\"\\":"\n\u0001ä\u000d\n"}"#)
  }

  @Test func whatIsWrittenIsReadStrictly() throws {
    let text = "e\u{301} \u{2028} \u{1f600} \u{7f} \"\\ / \u{0}"
    let read = try StrictJSON.parse(Array(PlainData.list([.text(text)]).json().utf8))
    guard case .array(let items) = read, case .string(let found) = items.first else {
      Issue.record("\(read) is no array with a text")
      return
    }
    #expect(Array(found.utf8) == Array(text.utf8))
  }

  @Test func partsLieWithinEachOther() throws {
    let laps = LapsFields(stem: 1, select: [2], load: [3], expert: [4], rest: 5)
    #expect(
      try PlainData.list([laps.plain, nil, true, .object([])]).json()
        == #"[{"stem":1,"select":[2],"load":[3],"expert":[4],"rest":5},null,true,{}]"#)
  }

  @Test(arguments: [PlainData.number(.nan), .float(.infinity), [["a": .number(-.infinity)]]])
  func whatJSONCannotSayIsRefused(value: PlainData) {
    #expect(throws: MVMoEError.self) { try value.json() }
  }
}
