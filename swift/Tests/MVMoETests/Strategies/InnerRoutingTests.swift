import Testing

@testable import MVMoE

@Suite struct InnerRoutingTests {
  private let inner: InnerRouting
  private let row: [Float] = [0, 2, 1, 5, 4, 0, 3, 0, 3]

  init() throws {
    inner = InnerRouting([
      try TopK(experts: 3), try TopK(experts: 2, unitGates: true), try TopK(experts: 4, k: 2),
    ])
  }

  @Test func eachRouterHasItsOwnColumnsOneAfterTheOther() {
    let logits = row.withUnsafeBufferPointer { inner.logits($0).map(Array.init) }
    #expect(logits == [[0, 2, 1], [5, 4], [0, 3, 0, 3]])
  }

  @Test func routesAndGatesAreThoseOfTheRules() throws {
    let found = try row.withUnsafeBufferPointer(inner.select)
    #expect(found.map(\.route) == [[1], [0], [1, 3]])
    #expect(found[1].gates == [1])
    #expect(try found[0] == TopK(experts: 3).select([0, 2, 1]))
  }

  @Test func aLogitThatIsNotFiniteIsAnErrorOfItsRouter() {
    var wrong = row
    wrong[4] = .nan
    let error = refusal { try wrong.withUnsafeBufferPointer(inner.select) }
    #expect(error?.code == .routingNotFinite)
    #expect(error?.fields["expert"] == 1)
  }

  @Test func aRowThatEndsBeforeIsRefused() {
    let error = refusal { try Array(row.dropLast()).withUnsafeBufferPointer(inner.select) }
    #expect(error?.code == .routingLogitsShape)
  }
}
