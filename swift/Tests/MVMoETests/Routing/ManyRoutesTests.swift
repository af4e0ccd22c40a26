import Testing

@testable import MVMoE

/// Rules with more routes than there are atoms: what is asked of them is said at once. The limits of time only catch a loop
/// over all.
@Suite(.timeLimit(.minutes(1))) struct ManyRoutesTests {
  private let largest = 4096

  @Test func theyAreCountedAtOnce() throws {
    let all = power(of: 2, largest, less: 1)
    #expect(try everySet().routeCount == all)
    #expect(try TopP(experts: largest, p: 0.9999999, kMax: largest).routeCount == all)
    // C(2n, n) = C(2n - 1, n) * 2, and each length's share of all sets.
    var half = try TopK(experts: largest - 1, k: largest / 2).count
    half.multiply(by: 2)
    #expect(try TopK(experts: largest, k: largest / 2).count == half)
    #expect(try TopK(experts: 64, k: 8).routeCount == "4426165368")
    #expect(try TopK(experts: largest, k: largest).routeCount == "1")
  }

  @Test func theFirstOfThemAreThereAtOnceOfEachLengthToo() throws {
    let rule = try everySet()
    #expect(Array(rule.routes().prefix(3)) == [[0], [1], [2]])
    #expect(first(rule.routes(ofLength: largest))?.count == largest)
    #expect(Array(rule.routes(ofLength: 2).prefix(2)) == [[0, 1], [0, 2]])
    #expect(rule.contains(Route.first(largest)))
  }

  @Test func setsComeInLexicographicOrder() {
    #expect(Array(combinations(4, 2)) == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])
    #expect(Array(combinations(3, 3)) == [[0, 1, 2]])
  }

  @Test func aRouteOfManyExpertsIsShownByItsBeginning() throws {
    let rule = try TopK(experts: largest)
    let logits = [Float](repeating: 0, count: largest)
    let error = refusal { _ = try rule.gates(of: Route.first(largest), logits: logits) }
    #expect(error?.message.contains("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, ...]") == true)
    #expect(error?.fields == ["route": .list((0..<16).map(ErrorValue.integer))])
  }

  private func everySet() throws -> Threshold {
    try Threshold(experts: largest, thresholds: Array(repeating: 0, count: largest))
  }

  private func first(_ routes: AnySequence<Route>) -> Route? { routes.first { _ in true } }

  /// Decimal digits, one by one: nothing of what is tested.
  private func power(of base: Int, _ exponent: Int, less: Int) -> String {
    var digits = [1]
    for _ in 0..<exponent {
      var carry = 0
      for place in digits.indices {
        carry += digits[place] * base
        digits[place] = carry % 10
        carry /= 10
      }
      if carry > 0 { digits.append(carry) }
    }
    // A power of 2 never ends with 0.
    digits[0] -= less
    return digits.reversed().map(String.init).joined()
  }
}
