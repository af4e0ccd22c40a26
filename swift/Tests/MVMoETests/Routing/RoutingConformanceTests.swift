import Testing

@testable import MVMoE

/// `tests/conformance/routing` on the rules, on a second reader, and on wrong ones, which the cases must catch.
@Suite struct RoutingConformanceTests {
  @Test func everyRowIsAnsweredBitForBitOrRefusedWithItsCode() throws {
    #expect(try RoutingSuite.firstFailure(of: RuleReader()) == nil)
  }

  @Test func aSecondReaderWrittenFromThePagePassesToo() throws {
    #expect(try RoutingSuite.firstFailure(of: PageReader()) == nil)
  }

  @Test func noFileAndNoRowIsLeftOut() throws {
    let rows = try RoutingSuite.rows()
    #expect(rows.keys.sorted() == ["given", "refused", "threshold", "top_k", "top_p"])
    #expect(rows.values.allSatisfy { $0.count >= 500 })
    #expect(rows.values.map(\.count).reduce(0, +) >= 5000)
    for (file, rows) in rows where file != "refused" {
      #expect(try rows.count { try $0.isImposed() } >= 100, "\(file)")
    }
  }

  @Test func marginsAreThoseOfTheCases() throws {
    let rows = try RoutingSuite.rows().values.joined().filter { $0.margin != nil }
    #expect(rows.count >= 1000)
    for row in rows {
      let wanted = try #require(row.margin)
      let found = try RuleReader.rule(row.rule).margin(row.logits)
      // As tests/conformance/routing/README.md says: within 1e-6, absolute and relative.
      #expect(found == wanted || abs(found - wanted) <= 1e-6 + 1e-6 * abs(wanted), "\(row.file): \(row.logits)")
    }
  }

  @Test(arguments: WrongReaders.all) func aWrongReaderIsCaught(_ reader: any RoutingReader.Type) throws {
    #expect(try firstFailure(of: reader.init()) != nil)
  }

  @Test func thereAreEnoughWrongReaders() { #expect(Set(WrongReaders.all.map { "\($0)" }).count >= 46) }

  @Test func bitsAreReadAndWrittenAsThePageSays() throws {
    #expect(try fromBits("3f800000c0000000") == [1, -2])
    #expect(toBits([1, -2]) == "3f800000c0000000")
    #expect(toBits([0.1]) == "between")
  }

  private func firstFailure(of reader: some RoutingReader) throws -> String? {
    try RoutingSuite.firstFailure(of: reader)
  }
}
