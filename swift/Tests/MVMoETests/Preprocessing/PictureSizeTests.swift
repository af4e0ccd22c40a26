import Testing

@testable import MVMoE

@Suite struct PictureSizeTests {
  @Test(
    "Sides are divided by the least of 1, 2, 4 and 8 that makes a picture fit",
    arguments: [
      (4000, 4000, 1), (4001, 4000, 2), (4000, 3000, 1), (8000, 8000, 2), (8001, 8000, 4), (10_000, 10_000, 4),
      (100_000_000, 1, 4), (1, 1, 1),
    ])
  func divisor(width: Int, height: Int, expected: Int) {
    #expect(PictureSize(width: width, height: height).divisor(leaving: 16_000_000) == expected)
  }

  @Test("Where an eighth is too large the longer side says how large it may be")
  func longerSide() {
    let size = PictureSize(width: 10_000, height: 10_000)
    #expect(size.divisor(leaving: 1000) == 8)
    #expect(size.longerSide(leaving: 1000) == 31)
    #expect(size.longerSide(leaving: 1) == 1)
    #expect(PictureSize(width: 20_000, height: 5000).longerSide(leaving: 16_000_000) == 8000)
    #expect(PictureSize(width: 5000, height: 20_000).longerSide(leaving: 16_000_000) == 8000)
    #expect(PictureSize(width: 100_000_000, height: 1).longerSide(leaving: 1000) == 316_227)
  }

  @Test("A picture of more than 100 megapixels is refused, and none overflows")
  func tooLarge() throws {
    try PictureSize(width: 10_000, height: 10_000).requireReadable("the picture")
    for (width, height) in [(10_001, 10_000), (Int.max, 2), (Int.max, Int.max)] {
      let error = refusal { try PictureSize(width: width, height: height).requireReadable("the picture") }
      #expect(error?.code == .imageTooLarge)
      #expect(
        error?.message == "the picture has \(width) x \(height) pixels; at most 100000000 are read: scale it down")
    }
    #expect(PictureSize(width: 0, height: 7).isEmpty)
    #expect(PictureSize(width: 7, height: -1).isEmpty)
    #expect(!PictureSize(width: 1, height: 1).isEmpty)
  }
}
