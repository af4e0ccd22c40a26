@testable import MVMoE

/// Buffers and inputs that nobody chose, broken ones too; the same number makes the same one.
struct DrawnPreprocessing {
  private var state: UInt64

  init(number: Int) { state = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  /// One of the integers.
  private mutating func draw(_ range: ClosedRange<Int>) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return range.lowerBound + Int(state >> 33) % range.count
  }

  private mutating func draw<Element>(of elements: [Element]) -> Element { elements[draw(0...elements.count - 1)] }

  mutating func buffer() -> BufferCase {
    var buffer = BufferCase(
      format: draw(of: PixelFormat.allCases).rawValue, width: 0, height: 0, planes: [], orientation: draw(1...8))
    let part = buffer.hasChroma ? 2 : 1
    (buffer.width, buffer.height) = (part * draw(1...20), part * draw(1...20))
    if draw(0...9) == 0 { buffer.width += 1 }
    if buffer.hasChroma {
      (buffer.matrix, buffer.valueRange) = draw(of: [("bt601", "full"), ("bt709", "video")])
    }
    for (number, count) in buffer.samples.enumerated() {
      let share = number > 0 ? 2 : 1
      buffer.planes.append(plane(count, buffer.width / share, buffer.height / share, isFirst: number == 0))
    }
    return buffer
  }

  private mutating func plane(_ count: Int, _ columns: Int, _ rows: Int, isFirst: Bool) -> PlaneCase {
    let pixel = count + draw(of: isFirst ? [0, 0, 0, 1] : [0, 0, 0, 1, 2, -1])
    let row = (columns - 1) * pixel + count + draw(of: [0, 0, 0, 3, 40])
    let needed = (rows - 1) * row + (columns - 1) * pixel + count
    let length = max(0, needed - (draw(0...19) == 0 ? 1 : 0))
    return PlaneCase(
      rowStride: row, pixelStride: pixel,
      bytes: PreprocessingSuite.madeBytes(seed: draw(0...999), run: 1, length: length))
  }

  mutating func input() -> InputSpec {
    let (height, width) = (draw(1...24), draw(1...24))
    let order = draw(of: [ChannelOrder.rgb, .bgr, .grey])
    let rule = draw(of: ResizeRules.names)
    let isBox = rule == "letterbox"
    let crop = draw(of: [1, 0.95, 0.875, 0.5])
    return InputSpec(
      height: height, width: width, channelOrder: order, resize: rule,
      cropFraction: isBox || rule == "torchvision" ? 1 : crop,
      resizeSize: rule == "torchvision" ? max(height, width) + draw(0...9) : nil, padLevel: isBox ? draw(0...255) : nil,
      padPlace: isBox ? draw(of: ["around", "right-bottom"]) : nil,
      padRounding: isBox ? draw(of: ["nearest", "down"]) : nil,
      interpolation: draw(of: ["nearest", "bilinear", "bicubic", "lanczos"]),
      mean: Array([0.485, 0.456, 0.406].prefix(order.channels)),
      std: Array([0.229, 0.224, 0.225].prefix(order.channels)))
  }
}
