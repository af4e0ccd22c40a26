import Testing

@testable import MVMoE

@Suite struct EmbeddingOutputTests {
  private let embedding: EmbeddingOutput

  init() throws { embedding = try output("embedding", [2], [3, -4], as: EmbeddingOutput.self) }

  @Test func itHasTheLength1ForAnIndex() { #expect(embedding.normalized() == [0.6, -0.8]) }

  @Test(arguments: [([3, -4], 1), ([-6, 8], -1), ([4, 3], 0), ([7, 0], 0.6)] as [([Float], Double)])
  func cosinesByHand(_ other: [Float], _ wanted: Double) throws {
    #expect(try abs(embedding.cosine(other) - wanted) <= 1e-15)
  }

  @Test func itPointsWhereItPoints() throws { #expect(try abs(embedding.cosine(embedding) - 1) <= 1e-15) }

  @Test(arguments: [-133, 126]) func squaresMayUnderflowAndOverflow(_ exponent: Int) throws {
    let scale = Float(sign: .plus, exponent: exponent, significand: 1)
    #expect(try abs(embedding.cosine([0.75 * scale, -scale]) - 1) <= 1e-4)
  }

  @Test func zerosPointNowhere() throws {
    #expect(try embedding.cosine([0, 0]) == 0)
    #expect(try output("embedding", [2], [0, 0], as: EmbeddingOutput.self).normalized() == [0, 0])
  }

  @Test func aVectorOfAnotherLengthIsRefused() {
    let error = refusal { try embedding.cosine([0, 0, 0]) }
    #expect(error?.code == .inputShape)
    #expect(error?.fields == ["expected": [2], "found": [3]])
  }
}
