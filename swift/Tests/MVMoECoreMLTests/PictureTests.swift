import Testing

@testable import MVMoE
@testable import MVMoECoreML

@Suite struct PictureTests {
  /// ImageNet's mean and deviation as a graph has them.
  private func scaling(_ order: ChannelOrder) -> PixelScaling {
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    let channels = order.channels
    return PixelScaling(
      channelOrder: order, scale: std.prefix(channels).map { 1 / (255 * $0) },
      bias: zip(mean, std).prefix(channels).map { -$0 / $1 })
  }

  /// What preprocessing makes of pixels: a product and a sum, each rounded to fp32.
  private func normalised(_ pixels: [[UInt8]], _ scaling: PixelScaling, height: Int, width: Int) -> Tensor {
    let numbers = pixels.enumerated().flatMap { channel, levels in
      levels.map { Float($0) * Float(scaling.scale[channel]) + Float(scaling.bias[channel]) }
    }
    return Tensor(numbers, shape: [1, pixels.count, height, width])
  }

  private func written(_ picture: Picture, bytesPerRow: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 9, count: bytesPerRow * picture.height)
    bytes.withUnsafeMutableBytes { picture.write(to: $0, bytesPerRow: bytesPerRow) }
    return bytes
  }

  @Test(arguments: [ChannelOrder.rgb, .bgr, .grey]) func everyLevelIsFoundAgain(order: ChannelOrder) {
    let levels = (0..<order.channels).map { channel in (0..<256).map { UInt8(($0 * (channel * 2 + 1)) % 256) } }
    let scaling = scaling(order)
    let picture = Picture(normalised(levels, scaling, height: 8, width: 32), scaling)
    #expect(picture.width == 32 && picture.height == 8 && picture.isGrey == (order == .grey))
    let bytes = written(picture, bytesPerRow: order == .grey ? 32 : 128)
    guard order != .grey else {
      #expect(bytes == levels[0])
      return
    }
    // In memory blue comes first, whichever channel of the input it is.
    let blueFirst = order == .bgr ? levels : levels.reversed()
    #expect(bytes == (0..<256).flatMap { [blueFirst[0][$0], blueFirst[1][$0], blueFirst[2][$0], 255] })
  }

  @Test func bytesBetweenRowsStay() {
    let scaling = scaling(.grey)
    let picture = Picture(normalised([[1, 2, 3, 4, 5, 6]], scaling, height: 2, width: 3), scaling)
    #expect(written(picture, bytesPerRow: 5) == [1, 2, 3, 9, 9, 4, 5, 6, 9, 9])
  }

  @Test func whatIsNoPixelIsTheNearestOne() {
    let scaling = PixelScaling(channelOrder: .grey, scale: [1], bias: [0])
    let tensor = Tensor([-5, 300, 0.5, 1.5, .nan, .infinity], shape: [1, 1, 1, 6])
    let bytes = written(Picture(tensor, scaling), bytesPerRow: 6)
    #expect(Array(bytes[0..<4]) == [0, 255, 0, 2])
    #expect(bytes[5] == 255)
  }

  @Test func itIsReadAnewEachTime() {
    let scaling = PixelScaling(channelOrder: .grey, scale: [1], bias: [0])
    let tensor = Tensor([7], shape: [1, 1, 1, 1])
    let picture = Picture(tensor, scaling)
    #expect(written(picture, bytesPerRow: 1) == [7])
    tensor.floats[0] = 8
    #expect(written(picture, bytesPerRow: 1) == [8])
  }
}
