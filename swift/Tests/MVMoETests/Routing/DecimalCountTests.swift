import Testing

@testable import MVMoE

@Suite struct DecimalCountTests {
  @Test(arguments: [0, 1, 999_999_999, 1_000_000_000, 1_000_000_001, 7_000_000_000_000_000_003, .max])
  func aSmallNumberIsWrittenAsItIs(_ number: Int) { #expect("\(DecimalCount(number))" == String(number)) }

  @Test func partsOfADigitAreFilledUpWithZeros() {
    var count = DecimalCount(1_000_000_000)
    count.multiply(by: 1_000_000_000)
    count.multiply(by: 4_000_000_000)
    #expect("\(count)" == "4000000000000000000000000000")
    count.add(DecimalCount(5))
    #expect("\(count)" == "4000000000000000000000000005")
    count.divide(by: 4_000_000_000)
    #expect("\(count)" == "1000000000000000000")
  }

  @Test func aSumMayHaveOneDigitMore() {
    var count = DecimalCount(999_999_999)
    count.add(DecimalCount(1))
    #expect(count == DecimalCount(1_000_000_000))
    var small = DecimalCount(3)
    small.add(DecimalCount(5_000_000_000_000))
    #expect(small == DecimalCount(5_000_000_000_003))
  }

  @Test func randomArithmeticIsThatOfInt() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<1000 {
      let number = Int.random(in: 0..<1 << 30, using: &random)
      let factor = Int.random(in: 1..<1 << 32, using: &random)
      let divisor = Int.random(in: 1..<1 << 32, using: &random)
      let other = Int.random(in: 0..<1 << 60, using: &random)
      var count = DecimalCount(number)
      count.multiply(by: factor)
      count.add(DecimalCount(other))
      #expect(count == DecimalCount(number * factor + other))
      count.divide(by: divisor)
      #expect(count == DecimalCount((number * factor + other) / divisor))
    }
  }
}
