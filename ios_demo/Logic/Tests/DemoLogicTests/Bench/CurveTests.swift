import Testing

@testable import DemoLogic

@Suite struct CurveTests {
  @Test func fewValuesArePointsOfTheirOwn() {
    var curve = Curve(most: 8)
    for (x, y) in [3.0, 1, 2].enumerated() { curve.add(Double(x), y) }
    #expect(curve.points.map(\.x) == [0, 1, 2])
    #expect(curve.points.map(\.middle) == [3, 1, 2])
  }

  @Test func manyValuesBecomeFewPointsThatKeepTheSmallestAndTheLargest() {
    var curve = Curve(most: 8)
    for number in 0..<1000 { curve.add(Double(number), number == 617 ? 90 : 5 + Double(number % 2)) }
    let points = curve.points
    #expect(points.count <= 8)
    #expect(points.map(\.low).min() == 5)
    #expect(points.map(\.high).max() == 90)
    #expect(points.allSatisfy { (5...6).contains($0.middle) })
    #expect(points.map(\.x).sorted() == points.map(\.x))
  }

  @Test func anOddNumberOfPointsIsHalvedToo() {
    var curve = Curve(most: 3)
    for number in 0..<9 { curve.add(Double(number), Double(number)) }
    #expect(curve.points.map(\.high).max() == 8)
  }

  @Test func oneSlowAnswerDoesNotFlattenAChart() {
    var curve = Curve(most: 200)
    for number in 0..<100 { curve.add(Double(number), number == 40 ? 900 : 4) }
    #expect(curve.points.height == 4)
  }

  @Test func aChartHasRoomForWhatIsUsuallyTheSlowest() {
    var curve = Curve(most: 200)
    for number in 0..<100 { curve.add(Double(number), number % 4 == 0 ? 6 : 4) }
    #expect(curve.points.height == 6)
    #expect([CurvePoint]().height == 0)
  }

  @Test func theMedianIsTheMiddleOrBetweenTheTwoInTheMiddle() {
    #expect(median([]) == nil)
    #expect(median([7]) == 7)
    #expect(median([9, 5, 1]) == 5)
    #expect(median([9, 5, 1, 3]) == 4)
    #expect(median(Array((0...5000).shuffled())) == 2500)
    #expect(median([Int.max, Int.max]) == Int.max)
  }
}
