import Foundation
import Testing

@testable import MVMoE

@Suite struct ErrorCodeTests {
  /// What only the exporter and the commands raise has no code here; the rest is in the page's order.
  @Test func codesAreThoseOfTheListInTheDocumentation() throws {
    let page = try String(contentsOf: RepositoryFiles.root.appendingPathComponent("docs/errors.md"), encoding: .utf8)
    let documented = page.split(separator: "\n").compactMap { line in
      line.wholeMatch(of: /\| `([a-z-]+\.[a-z-]+)` \|.*/).map { String($0.1) }
    }
    let codes = ErrorCode.allCases.map(\.rawValue)
    #expect(documented.filter(codes.contains) == codes)
    #expect(codes.count > 70)
  }
}
