import Foundation
import Testing

@testable import DemoLogic

@Suite struct DrawingTests {
  private let image = DrawnImage(width: 8, height: 8)

  private func rows(_ drawing: Drawing) -> [[Int]] {
    let levels = image.grey(drawing).levels.map(Int.init)
    return (0..<8).map { Array(levels[8 * $0..<8 * $0 + 8]) }
  }

  private func line(_ fromX: Float, _ fromY: Float, _ toX: Float, _ toY: Float) -> Drawing {
    Drawing([[Point(x: fromX, y: fromY), Point(x: toX, y: toY)]])
  }

  @Test(arguments: HandDrawn.digits.keys)
  func digitsReachFromTheTopToTheBottomInTheMiddleAsBoldAsTheDataSets(_ digit: String) {
    let rows = rows(HandDrawn.digit(digit))
    #expect(rows.allSatisfy { $0.contains { $0 > 0 } })
    #expect(rows.allSatisfy { $0.first == 0 && $0.last == 0 })
    // Of the data set's digits it is 0.30.
    let boldness = Double(rows.joined().reduce(0, +)) / 64 / 255
    #expect(abs(boldness - 0.31) < 0.06)
  }

  @Test func whereAndHowLargeADigitIsDrawnMakesNoDifference() {
    let drawing = HandDrawn.digit("5")
    let small = Drawing(drawing.strokes.map { $0.map { Point(x: 0.5 + $0.x / 4, y: 0.125 + $0.y / 4) } })
    for (one, other) in zip(rows(drawing).joined(), rows(small).joined()) { #expect(abs(one - other) <= 16) }
  }

  @Test func aLineThatStandsIsAColumnOfInkOneThatLiesARow() {
    let standing = rows(line(0.7, 0.1, 0.7, 0.9))
    #expect(standing[4].map { $0 > 0 } == [false, false, false, true, true, false, false, false])
    #expect(standing.allSatisfy { $0[3] == $0[4] })
    let lying = rows(line(0.1, 0.2, 0.9, 0.2))
    #expect(lying[3][1...6].allSatisfy { $0 > 0 })
    #expect(lying[0].allSatisfy { $0 == 0 } && lying[7].allSatisfy { $0 == 0 })
  }

  @Test func aDotStaysADot() {
    let dot = rows(Drawing([[Point(x: 0.9, y: 0.9)]]))
    #expect(dot.joined().count { $0 > 80 } == 4)
    #expect(dot == rows(Drawing([[Point(x: 0.2, y: 0.3), Point(x: 0.2, y: 0.3)]])))
  }

  @Test func anInputOfAnotherSizeHasTheSameDigit() throws {
    let wide = DrawnImage(width: 56, height: 28).grey(HandDrawn.digit("3"))
    #expect(wide.levels.count == 56 * 28)
    let inked = wide.levels.indices.filter { wide.levels[$0] != 0 }
    #expect(inked.map { $0 / 56 }.min() == 0)
    #expect(inked.map { $0 / 56 }.max() == 27)
    // As high as it is wide: not stretched over the input.
    let columns = inked.map { $0 % 56 }
    #expect(try #require(columns.max()) - #require(columns.min()) < 28)
  }

  /// Whatever size a manifest has: a pixel alone, a line, more pixels than a raster of 16 points each would fit for.
  @Test(arguments: [(1, 1), (1, 300), (300, 1), (2100, 2000)])
  func inputsOfAnySizeHaveADigit(_ width: Int, _ height: Int) {
    let image = DrawnImage(width: width, height: height).grey(HandDrawn.digit("0"))
    #expect(image.levels.count == width * height)
  }

  @Test func noInkIsBlack() {
    #expect(image.grey(Drawing()).levels == [UInt8](repeating: 0, count: 64))
    #expect(Drawing([[]]).isEmpty)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, 1e30, -3])
  func placesBesideTheCanvasAreMovedToIt(_ place: Float) {
    let point = Point(x: place, y: 0.5)
    #expect((0...1).contains(point.x))
    let drawing = Drawing([[point, Point(x: 0.1, y: place), Point(x: 0.4, y: 0.9)]])
    #expect(image.grey(drawing).levels.contains { $0 > 0 })
  }
}
