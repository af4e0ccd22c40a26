import Testing

@testable import MVMoE

/// Every kind against what mvmoe_deploy makes of the same numbers.
@Suite struct OutputKindsTests {
  private let kinds = OutputKinds.names.compactMap(OutputKinds.find)

  @Test func kindsAreFoundByTheirNamesInAManifest() {
    #expect(OutputKinds.names == ["boxes", "embedding", "logits", "map", "mask", "tensor"])
    #expect(kinds.map(\.name) == OutputKinds.names)
    #expect(OutputKinds.find("angle") == nil)
  }

  @Test func whichShapesTheyHaveAndHowManyClasses() throws {
    let all = try OutputCases.named("shapes")
    #expect(all.count >= 60)
    for each in all {
      let kind = try OutputCases.kind(of: each)
      let shape = try each["shape"].ints()
      let fits = try each["fits"].boolean()
      #expect(kind.fits(shape) == fits, "\(kind.name) \(shape)")
      if fits { #expect(try kind.classes(shape) == each["classes"].doubleOrNil().map { Int($0) }) }
    }
  }

  @Test func agreementsAreTheSameByEveryLimit() throws {
    let all = try OutputCases.named("comparisons")
    #expect(all.count >= 400)
    for (number, each) in all.enumerated() {
      let kind = try OutputCases.kind(of: each)
      let (given, wanted) = (try each["given"].floats(), try each["wanted"].floats())
      for pair in try each["agreements"].items().map({ try $0.items() }) {
        let limit = try pair[0].double()
        let found = kind.agreement(given: given, wanted: wanted, shape: try each["shape"].ints(), limit: limit)
        #expect(areSame(try pair[1].doubleOrNil(), found), "comparison \(number), \(kind.name), limit \(limit)")
      }
    }
  }

  @Test func aBoxThatHasGoneElsewhereIsNotFoundAgainInTheSameRowNeither() {
    let (given, wanted): ([Float], [Float]) = ([0, 0, 10, 10, 0.9], [20, 0, 30, 10, 0.9])
    #expect(BoxesKind().agreement(given: given, wanted: wanted, shape: [1, 5], limit: 0) == 0)
    #expect(BoxesKind().agreement(given: wanted, wanted: wanted, shape: [1, 5], limit: 0) == 1)
  }

  @Test(arguments: [[-1, 0], [0, 3], [0, 0]] as [[Float]])
  func aVectorThatPointsTheOtherWayAgreesAsLittleAsOneAcross(_ given: [Float]) {
    let kind = EmbeddingKind()
    #expect(kind.agreement(given: given, wanted: [1, 0], shape: [2], limit: EmbeddingKind.allCount) == 0)
  }

  @Test func theAgreementOfAllImagesIsTheMeanOfEmbeddingsTheLeast() {
    for kind in kinds {
      #expect(kind.summary([1, 0.5, 0.75]) == (kind.name == "embedding" ? 0.5 : 0.75))
      #expect(kind.summary([]) == 1)
    }
  }

  @Test func theLeastAgreementIsThatOfTheBoundsOfEmbeddingsWhatAnErrorMayTakeFromACosine() {
    let bounds = Bounds(answerError: 0.01, agreement: 0.9)
    let wanted = ["boxes": 0.9, "embedding": 0.99, "logits": 0.9, "mask": 0.9]
    for kind in kinds {
      #expect(kind.leastAgreement(bounds) == wanted[kind.name])
      #expect((kind.measure == nil) == (wanted[kind.name] == nil))
    }
  }

  @Test func coordinatesAndScoresOfBoxesArePartsOfTheirOwn() {
    let boxes = BoxesKind()
    #expect((0..<12).map { boxes.part(of: $0, shape: [2, 6]) } == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1])
    #expect(boxes.parts[boxes.decidingPart] == "scores")
    for kind in kinds where kind.name != "boxes" { #expect(kind.parts == ["values"]) }
  }

  @Test func onlyLogitsSayTheClassOfAnImage() {
    #expect(kinds.filter(\.classifies).map(\.name) == ["logits"])
  }

  /// Cosines are sums of a few products: another order of summation moves their last bits alone.
  private func areSame(_ wanted: Double?, _ found: Double?) -> Bool {
    guard let wanted, let found else { return wanted == nil && found == nil }
    return abs(wanted - found) <= 1e-14
  }
}
