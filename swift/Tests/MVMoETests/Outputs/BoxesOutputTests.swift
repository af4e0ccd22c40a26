import Testing

@testable import MVMoE

@Suite struct BoxesOutputTests {
  @Test func detectionsAreThoseOfTheReferenceInPixelsOfTheImage() throws {
    let views = try OutputCases.views("boxes", as: BoxesOutput.self)
    #expect(try views.map { try $0.view["boxes"].items().count }.reduce(0, +) >= 40)
    for (view, output) in views {
      let wanted = try view["boxes"].items().map { try $0.items() }
      let found = output.detections()
      #expect(try found.map(\.index) == wanted.map { try $0[0].int() })
      #expect(try found.map(\.label) == wanted.map { try $0[1].text() })
      #expect(try found.map(\.score) == wanted.map { try $0[2].double() })
      #expect(try found.map(\.box) == wanted.map { try box($0.dropFirst(3).map { try $0.double() }) })
    }
  }

  @Test func whatIsFoundByHand() throws {
    let rows: [[Float]] = [
      // Two of one class that share 6 of 10: the one with the lower score is left out.
      [0, 0, 8, 1, 0.5, 0],
      [2, 0, 10, 1, 0.9, 0],
      // As near, but of another class.
      [2, 0, 10, 1, 0, 0.8],
      // A score that is just enough, and one that is not.
      [20, 0, 22, 2, 0.25, 0.2],
      [30, 0, 32, 2, 0.2499, 0.2],
      // No area.
      [40, 0, 40, 2, 0.9, 0],
      // Both classes alike: the lower.
      [50, 0, 52, 2, 0.3, 0.3],
      // No number.
      [60, 0, 62, 2, .nan, .nan],
    ]
    let found = try boxes(rows, labels: ["cat", "dog"]).detections()
    #expect(found.map(\.label) == ["cat", "dog", "cat", "cat"])
    #expect(found.map(\.row) == [1, 2, 6, 3])
    #expect(found.first?.box == Box(left: 2, top: 0, right: 10, bottom: 1))
    #expect(found.last.map { "\($0)" } == "cat 0.25 at 20.0, 0.0 to 22.0, 2.0")
  }

  @Test func twoThatShareHalfOfWhatTheyCoverAreBothKept() throws {
    #expect(try boxes([[0, 0, 3, 1, 0.9], [1, 0, 4, 1, 0.8]]).detections().count == 2)
  }

  @Test func ofEqualScoresTheEarlierRowComesFirst() throws {
    let rows = (0..<40).map { [Float($0), 0, Float($0) + 1, 1, 0.5] }
    #expect(try boxes(rows).detections().map(\.row) == Array(0..<40))
  }

  @Test func overlapsByHand() throws {
    let box = Box(left: 0, top: 0, right: 4, bottom: 2)
    #expect(overlap(box, box) == 1)
    #expect(overlap(box, Box(left: 4, top: 0, right: 6, bottom: 2)) == 0)
    #expect(abs(overlap(box, Box(left: 2, top: 0, right: 6, bottom: 2)) - 1.0 / 3) <= 1e-15)
  }

  @Test func aBoxIsMovedToTheImageAndCutToIt() throws {
    // An image of 200 x 100 that became 20 x 10, with 5 rows of padding above.
    let transform = InputTransform(
      imageWidth: 200, imageHeight: 100, resizedWidth: 20, resizedHeight: 10, left: 0, top: -5, inputWidth: 20,
      inputHeight: 20)
    let found = try boxes([[1, 4, 30, 6, 1]], transform: transform).detections()
    #expect(found.map(\.box) == [Box(left: 10, top: 0, right: 200, bottom: 10)])
  }

  private func boxes(
    _ rows: [[Float]], labels: [String]? = nil, transform: InputTransform? = nil
  ) throws -> BoxesOutput {
    try output(
      "boxes", [rows.count, rows[0].count], Array(rows.joined()), labels: labels, transform: transform,
      as: BoxesOutput.self)
  }

  private func box(_ edges: [Double]) throws -> Box {
    try #require(edges.count == 4)
    return Box(left: edges[0], top: edges[1], right: edges[2], bottom: edges[3])
  }
}
