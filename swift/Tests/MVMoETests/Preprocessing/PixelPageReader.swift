import Foundation

@testable import MVMoE

/// Samples of 8 bits `[height, width, channels]`.
struct PixelPage: Equatable {
  var width: Int
  var height: Int
  var channels: Int
  var samples: [UInt8]

  init(width: Int, height: Int, channels: Int, _ sample: (_ x: Int, _ y: Int, _ channel: Int) -> UInt8) {
    (self.width, self.height, self.channels) = (width, height, channels)
    samples = []
    samples.reserveCapacity(width * height * channels)
    for y in 0..<height {
      for x in 0..<width { for channel in 0..<channels { samples.append(sample(x, y, channel)) } }
    }
  }

  subscript(x: Int, y: Int, channel: Int) -> UInt8 { samples[(y * width + x) * channels + channel] }

  /// The channels of these numbers.
  func channels(_ numbers: [Int]) -> PixelPage {
    PixelPage(width: width, height: height, channels: numbers.count) { self[$0, $1, numbers[$2]] }
  }

  /// Its rows as columns.
  var turned: PixelPage { PixelPage(width: height, height: width, channels: channels) { self[$1, $0, $2] } }
}

/// A reader of images written from *Preprocessing* of `docs/bundle.md` alone, as slow as it is plain.
///
/// It shares nothing with the library. Each step is a method: a wrong reader is a class that has another one.
class PixelPageReader: PreprocessingReader {
  required init() {}

  // MARK: The steps of an image

  func levels(_ buffer: BufferCase, _ input: InputSpec) throws -> (levels: [UInt8], transform: [Int]) {
    let upright = upright(decoded(buffer), buffer.orientation ?? 1)
    let transform = try geometry(upright.width, upright.height, input)
    let pixels = ordered(resized(converted(upright, input), transform, input), input)
    let levels = (0..<pixels.channels).flatMap { channel in
      stride(from: channel, to: pixels.samples.count, by: pixels.channels).map { pixels.samples[$0] }
    }
    return (levels, transform)
  }

  /// Red, green and blue, or grey.
  func decoded(_ buffer: BufferCase) -> PixelPage {
    let planes = buffer.planes.indices.map { plane(buffer, $0) }
    guard buffer.hasChroma else { return withoutAlpha(buffer.format, planes[0]) }
    let (u, v) = chroma(buffer.format, planes)
    return colours(buffer, planes[0], u, v)
  }

  func plane(_ buffer: BufferCase, _ number: Int) -> PixelPage {
    let (plane, count) = (buffer.planes[number], buffer.samples[number])
    let (width, height) = planeSize(buffer, number)
    let (row, pixel) = (rowStride(plane, width, count), pixelStride(plane, count))
    return PixelPage(width: width, height: height, channels: count) { plane.bytes[$1 * row + $0 * pixel + $2] }
  }

  func planeSize(_ buffer: BufferCase, _ number: Int) -> (width: Int, height: Int) {
    let part = buffer.hasChroma && number > 0 ? 2 : 1
    return (buffer.width / part, buffer.height / part)
  }

  func rowStride(_ plane: PlaneCase, _ width: Int, _ count: Int) -> Int { plane.rowStride }

  func pixelStride(_ plane: PlaneCase, _ count: Int) -> Int { plane.pixelStride }

  func withoutAlpha(_ format: String, _ pixels: PixelPage) -> PixelPage {
    if format == "BGRA" { return pixels.channels([2, 1, 0]) }
    return pixels.channels(Array(0..<min(pixels.channels, 3)))
  }

  func chroma(_ format: String, _ planes: [PixelPage]) -> (u: PixelPage, v: PixelPage) {
    switch format {
    case "NV12": (planes[1].channels([0]), planes[1].channels([1]))
    case "NV21": (planes[1].channels([1]), planes[1].channels([0]))
    default: (planes[1], planes[2])
    }
  }

  /// `black, a, b, c, d, e`.
  func factors(_ buffer: BufferCase) -> [Int] { factors(buffer.matrix, buffer.valueRange) }

  final func factors(_ matrix: String?, _ valueRange: String?) -> [Int] {
    switch (matrix, valueRange) {
    case ("bt601", "full"): [0, 65536, 91881, 22553, 46802, 116_130]
    case ("bt601", "video"): [16, 76309, 104_597, 25675, 53279, 132_201]
    case ("bt709", "full"): [0, 65536, 103_206, 12276, 30679, 121_609]
    default: [16, 76309, 117_489, 13975, 34925, 138_438]
    }
  }

  /// The chroma of every pixel.
  func spread(_ chroma: PixelPage) -> PixelPage {
    PixelPage(width: 2 * chroma.width, height: 2 * chroma.height, channels: 1) { x, y, _ in chroma[x / 2, y / 2, 0] }
  }

  /// What is added before the shift.
  var rounding: Int { 32768 }

  func colours(_ buffer: BufferCase, _ luma: PixelPage, _ u: PixelPage, _ v: PixelPage) -> PixelPage {
    let f = factors(buffer)
    let (u, v) = (spread(u), spread(v))
    return PixelPage(width: buffer.width, height: buffer.height, channels: 3) { x, y, channel in
      let level = f[1] * (Int(luma[x, y, 0]) - f[0]) + rounding
      let (u, v) = (Int(u[x, y, 0]) - 128, Int(v[x, y, 0]) - 128)
      let sum = [level + f[2] * v, level - f[3] * u - f[4] * v, level + f[5] * u][channel]
      return UInt8(min(max(sum >> 16, 0), 255))
    }
  }

  func upright(_ stored: PixelPage, _ orientation: Int) -> PixelPage {
    let (w, h) = (stored.width, stored.height)
    let (width, height) = orientation < 5 ? (w, h) : (h, w)
    return PixelPage(width: width, height: height, channels: stored.channels) { x, y, channel in
      switch orientation {
      case 1: stored[x, y, channel]
      case 2: stored[w - 1 - x, y, channel]
      case 3: stored[w - 1 - x, h - 1 - y, channel]
      case 4: stored[x, h - 1 - y, channel]
      case 5: stored[y, x, channel]
      case 6: stored[y, h - 1 - x, channel]
      case 7: stored[w - 1 - y, h - 1 - x, channel]
      default: stored[w - 1 - y, x, channel]
      }
    }
  }

  func converted(_ pixels: PixelPage, _ input: InputSpec) -> PixelPage {
    if input.channelOrder != .grey { return pixels.channels == 3 ? pixels : pixels.channels([0, 0, 0]) }
    if pixels.channels == 1 { return pixels }
    return PixelPage(width: pixels.width, height: pixels.height, channels: 1) { x, y, _ in
      grey(Int(pixels[x, y, 0]), Int(pixels[x, y, 1]), Int(pixels[x, y, 2]))
    }
  }

  func grey(_ red: Int, _ green: Int, _ blue: Int) -> UInt8 {
    UInt8((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16)
  }

  /// The input: the window of the resized image, and what is beside it.
  func resized(_ pixels: PixelPage, _ transform: [Int], _ input: InputSpec) -> PixelPage {
    let (wide, tall, left, top) = (transform[2], transform[3], transform[4], transform[5])
    let columns = (left..<left + input.width).filter { $0 >= 0 && $0 < wide }
    let rows = (top..<top + input.height).filter { $0 >= 0 && $0 < tall }
    let part = passes(pixels, (wide, tall), (columns, rows), input.interpolation)
    let beside = fill(input)
    return PixelPage(width: input.width, height: input.height, channels: pixels.channels) { x, y, channel in
      let (column, row) = (x + left - columns[0], y + top - rows[0])
      let isInside = column >= 0 && column < columns.count && row >= 0 && row < rows.count
      return isInside ? part[column, row, channel] : beside[channel]
    }
  }

  /// The wanted columns and rows: along the rows first.
  func passes(
    _ pixels: PixelPage, _ whole: (width: Int, height: Int), _ wanted: (columns: [Int], rows: [Int]),
    _ interpolation: String
  ) -> PixelPage {
    let wide = onePass(pixels.turned, whole.width, wanted.columns, interpolation).turned
    return onePass(wide, whole.height, wanted.rows, interpolation)
  }

  /// The wanted ones of `count` rows that are made of an image's rows.
  func onePass(_ pixels: PixelPage, _ count: Int, _ wanted: [Int], _ interpolation: String) -> PixelPage {
    if count == pixels.height { return rows(wanted, of: pixels) }
    if interpolation == "nearest" { return rows(nearest(pixels.height, count, wanted), of: pixels) }
    let tables = wanted.map { weights(of: $0, pixels.height, count, interpolation) }
    return PixelPage(width: pixels.width, height: wanted.count, channels: pixels.channels) { x, y, channel in
      var sum = 1 << 21
      for (tap, weight) in tables[y].fixed.enumerated() {
        sum += weight * Int(pixels[x, tables[y].begin + tap, channel])
      }
      return UInt8(min(max(sum >> 22, 0), 255))
    }
  }

  private func rows(_ numbers: [Int], of pixels: PixelPage) -> PixelPage {
    PixelPage(width: pixels.width, height: numbers.count, channels: pixels.channels) { pixels[$0, numbers[$1], $2] }
  }

  /// The samples that `nearest` takes.
  func nearest(_ samples: Int, _ count: Int, _ wanted: [Int]) -> [Int] {
    let step = Double(samples) / Double(count)
    var places = [step / 2]
    while places.count < count { places.append(places[places.count - 1] + step) }
    return wanted.map { Int(places[$0]) }
  }

  /// By how much the kernel is widened.
  func widening(_ step: Double) -> Double { max(step, 1) }

  /// Of the bicubic kernel.
  var a: Double { -0.5 }

  private func weights(
    of output: Int, _ samples: Int, _ count: Int, _ interpolation: String
  ) -> (begin: Int, fixed: [Int]) {
    let step = Double(samples) / Double(count)
    let wide = widening(step)
    let support: Double = interpolation == "bilinear" ? 1 : interpolation == "bicubic" ? 2 : 3
    let centre = (Double(output) + 0.5) * step
    let begin = max(Int(centre - support * wide + 0.5), 0)
    let end = min(Int(centre + support * wide + 0.5), samples)
    let exact = (begin..<end).map { kernel((Double($0) - centre + 0.5) * (1 / wide), interpolation) }
    let sum = exact.reduce(0, +)
    return (begin, exact.map { Int(($0 / sum * Double(1 << 22)).rounded(.toNearestOrAwayFromZero)) })
  }

  private func kernel(_ x: Double, _ interpolation: String) -> Double {
    let d = abs(x)
    switch interpolation {
    case "bilinear": return max(0, 1 - d)
    case "bicubic":
      return d < 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0
    default: return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }

  private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(Double.pi * x) / (Double.pi * x) }

  func ordered(_ pixels: PixelPage, _ input: InputSpec) -> PixelPage {
    input.channelOrder == .bgr ? pixels.channels([2, 1, 0]) : pixels
  }

  /// The levels beside the image, in the order of red, green, blue.
  func fill(_ input: InputSpec) -> [UInt8] {
    if input.resize == "letterbox" { return Array(repeating: UInt8(input.padLevel ?? 0), count: input.mean.count) }
    let levels = input.mean.map { UInt8(min(max((255 * $0).rounded(.toNearestOrEven), 0), 255)) }
    return input.channelOrder == .bgr ? levels.reversed() : levels
  }

  // MARK: Where the input lies

  func geometry(_ width: Int, _ height: Int, _ input: InputSpec) throws -> [Int] {
    let (wide, tall) = size(width, height, input)
    return [width, height, wide, tall, begin(wide, input.width, input), begin(tall, input.height, input)]
  }

  private func size(_ w: Int, _ h: Int, _ input: InputSpec) -> (Int, Int) {
    let scaled = (
      width: (Double(input.width) / input.cropFraction).rounded(.down),
      height: (Double(input.height) / input.cropFraction).rounded(.down)
    )
    switch input.resize {
    case "timm" where input.width == input.height: return shorter(Int(scaled.width), w, h)
    case "timm":
      let ratio = min(Double(w) / scaled.width, Double(h) / scaled.height)
      return (rounded(Double(w) / ratio), rounded(Double(h) / ratio))
    case "torchvision": return shorter(input.resizeSize ?? 0, w, h)
    case "squash": return (Int(scaled.width), Int(scaled.height))
    case "border":
      let ratio = max(Double(w) / scaled.width, Double(h) / scaled.height)
      return (max(1, rounded(Double(w) / ratio)), max(1, rounded(Double(h) / ratio)))
    default: return letterbox(w, h, input)
    }
  }

  private func rounded(_ number: Double) -> Int { Int(number.rounded(.toNearestOrEven)) }

  /// Where the input begins in the resized image, along one axis.
  func begin(_ resized: Int, _ side: Int, _ input: InputSpec) -> Int {
    if resized >= side { return centre(resized - side) }
    return input.padPlace == "right-bottom" ? 0 : -((side - resized) / 2)
  }

  func centre(_ difference: Int) -> Int { rounded(Double(difference) / 2) }

  func shorter(_ side: Int, _ w: Int, _ h: Int) -> (Int, Int) { w <= h ? (side, side * h / w) : (side * w / h, side) }

  func letterbox(_ w: Int, _ h: Int, _ input: InputSpec) -> (Int, Int) {
    let isDown = input.padRounding == "down"
    if input.width * h <= input.height * w {
      return (input.width, max(1, quotient(h * input.width, w, isDown: isDown)))
    }
    return (max(1, quotient(w * input.height, h, isDown: isDown)), input.height)
  }

  func quotient(_ a: Int, _ b: Int, isDown: Bool) -> Int {
    let (below, rest) = (a / b, 2 * (a % b))
    if isDown || rest < b { return below }
    return below + (rest > b ? 1 : below % 2)
  }

  // MARK: Numbers

  func normalized(_ input: InputSpec) -> [Float] {
    zip(input.mean, input.std).flatMap { mean, std in (0..<256).map { normal(Float($0), mean, std) } }
  }

  func normal(_ level: Float, _ mean: Double, _ std: Double) -> Float {
    level * Float(1 / (255 * std)) + Float(-mean / std)
  }

  func places(_ transform: [Int], _ boxes: [Double], cut: Bool) -> [Double] {
    boxes.enumerated().map { number, x in
      let (side, resized, begin) =
        number % 2 == 0 ? (transform[0], transform[2], transform[4]) : (transform[1], transform[3], transform[5])
      let found = place(x, side, resized, begin)
      return cut ? (found < 0 ? 0 : min(found, Double(side))) : found
    }
  }

  func place(_ x: Double, _ side: Int, _ resized: Int, _ begin: Int) -> Double {
    (x + Double(begin)) * Double(side) / Double(resized)
  }

  // MARK: What is refused

  func refusal(_ buffer: BufferCase) -> String? {
    guard !buffer.samples.isEmpty, (1...8).contains(buffer.orientation ?? 1) else { return "image.buffer-format" }
    let isKnown = ["bt601", "bt709"].contains(buffer.matrix) && ["full", "video"].contains(buffer.valueRange)
    guard buffer.hasChroma ? isKnown : buffer.matrix == nil && buffer.valueRange == nil else {
      return "image.buffer-format"
    }
    let step = buffer.hasChroma ? 2 : 1
    if [buffer.width, buffer.height].contains(where: { $0 < 1 || $0 % step != 0 }) { return "image.buffer-size" }
    if buffer.planes.count != buffer.samples.count { return "image.buffer-format" }
    return buffer.planes.indices.lazy.compactMap { self.planeRefusal(buffer, $0) }.first
  }

  func planeRefusal(_ buffer: BufferCase, _ number: Int) -> String? {
    let (plane, count) = (buffer.planes[number], buffer.samples[number])
    let (width, height) = planeSize(buffer, number)
    let row = (width - 1) * plane.pixelStride + count
    if plane.pixelStride < count || plane.rowStride < row { return "image.buffer-stride" }
    return plane.bytes.count < (height - 1) * plane.rowStride + row ? "image.buffer-too-short" : nil
  }
}

extension BufferCase {
  /// How many samples a pixel of each plane has; none for a format that there is not.
  var samples: [Int] {
    ["L": [1], "RGB": [3], "RGBA": [4], "BGRA": [4], "NV12": [1, 2], "NV21": [1, 2], "YUV420": [1, 1, 1]][format] ?? []
  }

  var hasChroma: Bool { ["NV12", "NV21", "YUV420"].contains(format) }
}
