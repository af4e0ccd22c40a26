import Testing

@testable import DemoLogic

@Suite struct LaunchArgumentsTests {
  @Test(
    "what the app is started with",
    arguments: [
      ("MVMoEDemo", LaunchArguments.demo),
      ("MVMoEDemo -NSDocumentRevisionsDebugMode YES", .demo),
      (
        "MVMoEDemo --bench order-1a --order Documents/bench-files/2b-order-1a.json",
        .order(OrderRequest(name: "order-1a", order: "Documents/bench-files/2b-order-1a.json"))
      ),
      ("MVMoEDemo --bench describe-3c --describe", .order(OrderRequest(name: "describe-3c", order: nil))),
      ("MVMoEDemo --bench", .unknownOrder),
      ("MVMoEDemo --bench order-1a", .unknownOrder),
      ("MVMoEDemo --bench order-1a --order", .unknownOrder),
      ("MVMoEDemo --bench ../other --describe", .unknownOrder),
      ("MVMoEDemo --bench .last-used.json --describe", .unknownOrder),
    ])
  func started(_ words: String, _ meant: LaunchArguments) {
    #expect(LaunchArguments(words.split(separator: " ").map(String.init)) == meant)
  }

  @Test func aNameIsOneFoldersInThePlaceOfAnswers() {
    for name in ["", ".", "..", "a/b", "/a", "a\u{0}", "é", String(repeating: "a", count: 65)] {
      #expect(!OrderRequest.isName(name), "\(name)")
    }
    #expect(OrderRequest.isName("describe-1a2b.3_c"))
  }
}
