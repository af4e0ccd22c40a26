import Testing

@testable import MVMoE

/// Masks and maps: numbers for each place of the input, and what they say of a pixel of the image.
@Suite struct PlacesOutputTests {
  @Test func theClassesOfAnImagesPixelsAreThoseOfTheReference() throws {
    let views = try OutputCases.views("mask", as: MaskOutput.self)
    #expect(try views.contains { try $0.view["pixels"].ints().contains(-1) })
    #expect(views.contains { $0.output.shape[0] == 1 })
    for (view, output) in views {
      let wanted = try view["pixels"].ints()
      #expect(output.classMapOfImage().map(Int.init) == wanted)
      let width = try view["transform"].ints()[0]
      #expect(wanted.indices.map { output.classAtPixel(x: $0 % width, y: $0 / width) ?? -1 } == wanted)
    }
  }

  @Test func sharesOfClassesAreThoseOfTheReference() throws {
    for (view, output) in try OutputCases.views("mask", as: MaskOutput.self) {
      let wanted = try view["shares"].items().map { try $0.items() }
      let shares = try wanted.map {
        ClassShare(index: try $0[0].int(), label: try $0[1].text(), share: try $0[2].double())
      }
      #expect(output.shares() == shares)
    }
  }

  @Test func valuesOfAMapAtAnImagesPixelsAreThoseOfTheReference() throws {
    let views = try OutputCases.views("map", as: MapOutput.self)
    #expect(views.count >= 20)
    for (view, output) in views {
      let wanted = try view["pixels"].floats()
      let inside = try view["inside"].ints()
      let width = try view["transform"].ints()[0]
      let found = wanted.indices.map { output.valueAtPixel(channel: 0, x: $0 % width, y: $0 / width) }
      #expect(found == zip(wanted, inside).map { $1 == 1 ? $0 : nil })
    }
  }

  @Test func aMaskByHand() throws {
    let mask = try output(
      "mask", [2, 1, 3], [0, 1, 2, 0, 2, 1], labels: ["sky", "road"], as: MaskOutput.self)
    #expect(mask.classMap() == [0, 1, 0])
    #expect(mask.classAt(row: 0, column: 1) == 1)
    #expect(mask.shares().map { "\($0)" } == ["sky \(2.0 / 3)", "road \(1.0 / 3)"])
    #expect(mask.classMapOfImage() == mask.classMap())
    #expect([mask.width, mask.height] == [3, 1])
  }

  @Test func withOneClassAPlaceIsForegroundAbove0() throws {
    let mask = try output("mask", [1, 2, 2], [0, 1e-30, -1, 5], labels: ["person"], as: MaskOutput.self)
    #expect(mask.classMap() == [0, 1, 0, 1])
    #expect(mask.shares() == [ClassShare(index: 0, label: "person", share: 0.5)])
  }

  @Test func aMapByHandWithChannels() throws {
    let transform = InputTransform(
      imageWidth: 4, imageHeight: 2, resizedWidth: 2, resizedHeight: 1, left: 0, top: 0, inputWidth: 2, inputHeight: 1)
    let map = try output("map", [2, 1, 2], [1, 2, 3, 4], transform: transform, as: MapOutput.self)
    #expect(map.valueAt(channel: 1, row: 0, column: 1) == 4)
    #expect((0...3).map { map.valueAtPixel(channel: 1, x: $0, y: 1) } == [3, 3, 4, 4])
    #expect([map.channels, map.height, map.width] == [2, 1, 2])
  }

  @Test func whatIsOutsideHasNoClassAndNoValue() throws {
    let mask = try output("mask", [1, 1, 2], [1, 1], as: MaskOutput.self)
    for (x, y) in [(-1, 0), (2, 0), (0, -1), (0, 1), (.max, 0), (0, .min)] {
      #expect(mask.classAtPixel(x: x, y: y) == nil)
      #expect(mask.classAt(row: y, column: x) == nil)
    }
    let map = try output("map", [1, 1, 1], [1], as: MapOutput.self)
    for channel in [1, -1, .max] {
      #expect(map.valueAt(channel: channel, row: 0, column: 0) == nil)
      #expect(map.valueAtPixel(channel: channel, x: 0, y: 0) == nil)
    }
    #expect(map.valueAt(channel: 0, row: 0, column: 0) == 1)
  }

  /// Products beyond 32 bits.
  @Test func aVeryLongImageHasPlacesToo() {
    let transform = InputTransform(
      imageWidth: 1_000_000, imageHeight: 1, resizedWidth: 100_000_000, resizedHeight: 1, left: 99_991_808, top: 0,
      inputWidth: 8192, inputHeight: 1)
    // Its last pixel is as wide as 100 columns of the input, and its middle is 50 from the end.
    #expect(transform.cell(ofColumn: 999_999, columns: 8192) == 8192 - 50)
    #expect(transform.cell(ofColumn: 0, columns: 8192) == -1)
  }
}
