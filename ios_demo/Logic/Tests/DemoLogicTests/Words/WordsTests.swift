import Foundation
import Testing

@testable import DemoLogic

@Suite struct WordsTests {
  private let words = Words(locale: Locale(identifier: "en_US"), timeZone: .gmt)

  @Test(arguments: [
    (Duration.nanoseconds(1), "0.0 µs"), (.nanoseconds(1_240), "1.2 µs"), (.nanoseconds(312_400), "312 µs"),
    (.nanoseconds(1_240_000), "1.24 ms"), (.nanoseconds(12_340_000), "12.3 ms"), (.seconds(20), "20,000.0 ms"),
    (.zero, "0.0 µs"),
  ])
  func durationsHaveAFewDigits(_ duration: Duration, _ text: String) { #expect(words.duration(duration) == text) }

  @Test func sharesFiguresAndCounts() {
    #expect(words.percent(0.9824) == "98.2 %")
    #expect(words.figure(2.314) == "2.31")
    #expect(words.figure(-23.14) == "-23.1")
    #expect(words.count(1_234) == "1,234")
    #expect(Words(locale: Locale(identifier: "de_DE")).percent(0.9824) == "98,2 %")
  }

  @Test func sizesAndTimes() {
    #expect(words.size(1_234_567) == "1.2 MB")
    #expect(words.time(Date(timeIntervalSince1970: 3_661)).hasPrefix("1:01:01"))
  }

  @Test func aWayIsSaidStageByStage() {
    #expect(words.way([[3]]) == "expert 3")
    #expect(words.way([[0, 3], [1]]) == "experts 0, 3, then expert 1")
    #expect(words.way([[]]) == "no expert")
    #expect(words.way([]) == "no expert")
  }
}
