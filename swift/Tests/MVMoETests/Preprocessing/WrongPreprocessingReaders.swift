import Foundation

@testable import MVMoE

/// Readers that each make one mistake of those that ports make; the cases must catch every one.
enum WrongPreprocessingReaders {
  /// What they are asked: large images take a plain reader too long.
  static let files = PreprocessingSuite.fileNames.filter { $0 != "large" }

  static let all: [PixelPageReader.Type] =
    geometry + resizing + colours + orientations + numbers + boxes + refusals

  static var names: [String] { all.map { String(describing: $0) } }

  static func find(_ name: String) -> PixelPageReader.Type? { all.first { String(describing: $0) == name } }

  private static let geometry: [PixelPageReader.Type] = [
    CropOffByOne.self, CropRoundedDown.self, CropHalvesUp.self, LongerSideRounded.self, LetterboxAtTheTopLeft.self,
    LetterboxAlwaysAround.self, LetterboxPaddingFirst.self, LetterboxRoundedDown.self, LetterboxHalvesUp.self,
    LetterboxNeverEnlarges.self, LetterboxBlack.self, BorderOfBgrNotTurned.self,
  ]

  private static let resizing: [PixelPageReader.Type] = [
    BgrNotSwapped.self, ColumnsFirst.self, KernelNotWidened.self, NearestAtTheCorner.self, NearestByAProduct.self,
    BicubicOfOpenCV.self,
  ]

  private static let colours: [PixelPageReader.Type] = [
    UVSwapped.self, NV21ReadAsNV12.self, RangeNotExpanded.self, AlwaysBT601.self, CoarseFactors.self,
    ColourCutAndNotRounded.self, ChromaInterpolated.self, GreyFromLuma.self, GreyOfHalves.self, AlphaMultiplied.self,
    BgraReadAsRgba.self, RowStrideIgnored.self, PixelStrideIgnored.self,
  ]

  private static let orientations: [PixelPageReader.Type] = [
    OrientationIgnored.self, SixAndEightSwapped.self, FiveAndSevenSwapped.self, MirrorsForgotten.self,
  ]

  private static let numbers: [PixelPageReader.Type] = [
    NormalizedByDivision.self, NormalizedWithAFusedMultiplyAdd.self,
  ]

  private static let boxes: [PixelPageReader.Type] = [
    OneScaleForBothAxes.self, BoxesNotCut.self, BoxesInSinglePrecision.self, BoxesScaledByAQuotient.self,
    PaddingNotTakenOff.self,
  ]

  private static let refusals: [PixelPageReader.Type] = [
    ShortPlanesRead.self, OverlappingRowsRead.self, OddSizesRead.self, SizesCheckedLast.self,
  ]
}

// MARK: Where the input lies

private final class CropOffByOne: PixelPageReader {
  override func centre(_ difference: Int) -> Int { super.centre(difference) + (difference > 1 ? 1 : 0) }
}

private final class CropRoundedDown: PixelPageReader {
  override func centre(_ difference: Int) -> Int { difference / 2 }
}

private final class CropHalvesUp: PixelPageReader {
  override func centre(_ difference: Int) -> Int { (difference + 1) / 2 }
}

/// Rounds to the nearest pixel where torchvision rounds down.
private final class LongerSideRounded: PixelPageReader {
  override func shorter(_ side: Int, _ w: Int, _ h: Int) -> (Int, Int) {
    w <= h ? (side, longer(side, h, w)) : (longer(side, w, h), side)
  }

  private func longer(_ side: Int, _ longer: Int, _ shorter: Int) -> Int {
    Int((Double(side * longer) / Double(shorter)).rounded(.toNearestOrEven))
  }
}

private final class LetterboxAtTheTopLeft: PixelPageReader {
  override func begin(_ resized: Int, _ side: Int, _ input: InputSpec) -> Int {
    resized < side ? 0 : super.begin(resized, side, input)
  }
}

private final class LetterboxAlwaysAround: PixelPageReader {
  override func begin(_ resized: Int, _ side: Int, _ input: InputSpec) -> Int {
    resized < side ? -((side - resized) / 2) : super.begin(resized, side, input)
  }
}

/// Puts the odd pixel of the padding before the image.
private final class LetterboxPaddingFirst: PixelPageReader {
  override func begin(_ resized: Int, _ side: Int, _ input: InputSpec) -> Int {
    let found = super.begin(resized, side, input)
    return found < 0 ? found - (side - resized) % 2 : found
  }
}

private final class LetterboxRoundedDown: PixelPageReader {
  override func quotient(_ a: Int, _ b: Int, isDown: Bool) -> Int { a / b }
}

private final class LetterboxHalvesUp: PixelPageReader {
  override func quotient(_ a: Int, _ b: Int, isDown: Bool) -> Int { isDown ? a / b : (2 * a + b) / (2 * b) }
}

/// What Ultralytics' `scaleup=False` does in training.
private final class LetterboxNeverEnlarges: PixelPageReader {
  override func letterbox(_ w: Int, _ h: Int, _ input: InputSpec) -> (Int, Int) {
    max(w, h) < 12 ? (w, h) : super.letterbox(w, h, input)
  }
}

private final class LetterboxBlack: PixelPageReader {
  override func fill(_ input: InputSpec) -> [UInt8] {
    input.resize == "letterbox" ? [0, 0, 0] : super.fill(input)
  }
}

/// Fills with the mean as the manifest has it, and then swaps the channels.
private final class BorderOfBgrNotTurned: PixelPageReader {
  override func fill(_ input: InputSpec) -> [UInt8] {
    let fill = super.fill(input)
    return input.channelOrder == .bgr ? fill.reversed() : fill
  }
}

// MARK: Resizing

private final class BgrNotSwapped: PixelPageReader {
  override func ordered(_ pixels: PixelPage, _ input: InputSpec) -> PixelPage { pixels }
}

private final class ColumnsFirst: PixelPageReader {
  override func passes(
    _ pixels: PixelPage, _ whole: (width: Int, height: Int), _ wanted: (columns: [Int], rows: [Int]),
    _ interpolation: String
  ) -> PixelPage {
    let tall = onePass(pixels, whole.height, wanted.rows, interpolation)
    return onePass(tall.turned, whole.width, wanted.columns, interpolation).turned
  }
}

private final class KernelNotWidened: PixelPageReader {
  override func widening(_ step: Double) -> Double { 1 }
}

private final class NearestAtTheCorner: PixelPageReader {
  override func nearest(_ samples: Int, _ count: Int, _ wanted: [Int]) -> [Int] { wanted.map { $0 * samples / count } }
}

private final class NearestByAProduct: PixelPageReader {
  override func nearest(_ samples: Int, _ count: Int, _ wanted: [Int]) -> [Int] {
    wanted.map { Int((Double($0) + 0.5) * (Double(samples) / Double(count))) }
  }
}

/// The other usual constant of the kernel.
private final class BicubicOfOpenCV: PixelPageReader {
  override var a: Double { -0.75 }
}

// MARK: Colours

private final class UVSwapped: PixelPageReader {
  override func chroma(_ format: String, _ planes: [PixelPage]) -> (u: PixelPage, v: PixelPage) {
    let (u, v) = super.chroma(format, planes)
    return (v, u)
  }
}

private final class NV21ReadAsNV12: PixelPageReader {
  override func chroma(_ format: String, _ planes: [PixelPage]) -> (u: PixelPage, v: PixelPage) {
    super.chroma(format == "NV21" ? "NV12" : format, planes)
  }
}

private final class RangeNotExpanded: PixelPageReader {
  override func factors(_ buffer: BufferCase) -> [Int] { factors(buffer.matrix, "full") }
}

private final class AlwaysBT601: PixelPageReader {
  override func factors(_ buffer: BufferCase) -> [Int] { factors("bt601", buffer.valueRange) }
}

/// The factors of 8 bits that many code samples have.
private final class CoarseFactors: PixelPageReader {
  override func factors(_ buffer: BufferCase) -> [Int] {
    let exact = super.factors(buffer)
    return exact.prefix(1) + exact.dropFirst().map { 256 * (($0 + 128) / 256) }
  }
}

private final class ColourCutAndNotRounded: PixelPageReader {
  override var rounding: Int { 0 }
}

private final class ChromaInterpolated: PixelPageReader {
  override func spread(_ chroma: PixelPage) -> PixelPage {
    let wide = super.spread(chroma)
    return PixelPage(width: wide.width, height: wide.height, channels: 1) { x, y, _ in
      UInt8((Int(wide[x, y, 0]) + Int(wide[max(x - 1, 0), y, 0]) + 1) / 2)
    }
  }
}

private final class GreyFromLuma: PixelPageReader {
  override func grey(_ red: Int, _ green: Int, _ blue: Int) -> UInt8 { UInt8(green) }
}

/// The luma of floating-point factors, cut off.
private final class GreyOfHalves: PixelPageReader {
  override func grey(_ red: Int, _ green: Int, _ blue: Int) -> UInt8 {
    UInt8(0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue))
  }
}

private final class AlphaMultiplied: PixelPageReader {
  override func withoutAlpha(_ format: String, _ pixels: PixelPage) -> PixelPage {
    let colours = super.withoutAlpha(format, pixels)
    guard pixels.channels == 4 else { return colours }
    return PixelPage(width: colours.width, height: colours.height, channels: 3) { x, y, channel in
      UInt8(Int(colours[x, y, channel]) * Int(pixels[x, y, 3]) / 255)
    }
  }
}

private final class BgraReadAsRgba: PixelPageReader {
  override func withoutAlpha(_ format: String, _ pixels: PixelPage) -> PixelPage {
    super.withoutAlpha(format == "BGRA" ? "RGBA" : format, pixels)
  }
}

private final class RowStrideIgnored: PixelPageReader {
  override func rowStride(_ plane: PlaneCase, _ width: Int, _ count: Int) -> Int {
    min(width * plane.pixelStride, plane.rowStride)
  }
}

private final class PixelStrideIgnored: PixelPageReader {
  override func pixelStride(_ plane: PlaneCase, _ count: Int) -> Int { count }
}

// MARK: Orientations

private final class OrientationIgnored: PixelPageReader {
  override func upright(_ stored: PixelPage, _ orientation: Int) -> PixelPage { stored }
}

private final class SixAndEightSwapped: PixelPageReader {
  override func upright(_ stored: PixelPage, _ orientation: Int) -> PixelPage {
    super.upright(stored, [6: 8, 8: 6][orientation] ?? orientation)
  }
}

private final class FiveAndSevenSwapped: PixelPageReader {
  override func upright(_ stored: PixelPage, _ orientation: Int) -> PixelPage {
    super.upright(stored, [5: 7, 7: 5][orientation] ?? orientation)
  }
}

private final class MirrorsForgotten: PixelPageReader {
  override func upright(_ stored: PixelPage, _ orientation: Int) -> PixelPage {
    super.upright(stored, [2: 1, 4: 3, 5: 6, 7: 8][orientation] ?? orientation)
  }
}

// MARK: Numbers

private final class NormalizedByDivision: PixelPageReader {
  override func normal(_ level: Float, _ mean: Double, _ std: Double) -> Float {
    (level / 255 - Float(mean)) / Float(std)
  }
}

private final class NormalizedWithAFusedMultiplyAdd: PixelPageReader {
  override func normal(_ level: Float, _ mean: Double, _ std: Double) -> Float {
    Float(-mean / std).addingProduct(level, Float(1 / (255 * std)))
  }
}

// MARK: Boxes

private final class OneScaleForBothAxes: PixelPageReader {
  override func places(_ transform: [Int], _ boxes: [Double], cut: Bool) -> [Double] {
    let height = Double(transform[3] * transform[0]) / Double(transform[2])
    var changed = transform
    changed[1] = Int(height.rounded(.toNearestOrEven))
    return super.places(changed, boxes, cut: cut)
  }
}

private final class BoxesNotCut: PixelPageReader {
  override func places(_ transform: [Int], _ boxes: [Double], cut: Bool) -> [Double] {
    super.places(transform, boxes, cut: false)
  }
}

private final class BoxesInSinglePrecision: PixelPageReader {
  override func place(_ x: Double, _ side: Int, _ resized: Int, _ begin: Int) -> Double {
    Double((Float(x) + Float(begin)) * Float(side) / Float(resized))
  }
}

private final class BoxesScaledByAQuotient: PixelPageReader {
  override func place(_ x: Double, _ side: Int, _ resized: Int, _ begin: Int) -> Double {
    (x + Double(begin)) * (Double(side) / Double(resized))
  }
}

private final class PaddingNotTakenOff: PixelPageReader {
  override func place(_ x: Double, _ side: Int, _ resized: Int, _ begin: Int) -> Double {
    x * Double(side) / Double(resized)
  }
}

// MARK: Refusals

private final class ShortPlanesRead: PixelPageReader {
  override func planeRefusal(_ buffer: BufferCase, _ number: Int) -> String? {
    let found = super.planeRefusal(buffer, number)
    return found == "image.buffer-too-short" ? nil : found
  }
}

private final class OverlappingRowsRead: PixelPageReader {
  override func planeRefusal(_ buffer: BufferCase, _ number: Int) -> String? {
    let found = super.planeRefusal(buffer, number)
    return found == "image.buffer-stride" ? nil : found
  }
}

private final class OddSizesRead: PixelPageReader {
  override func refusal(_ buffer: BufferCase) -> String? {
    let found = super.refusal(buffer)
    return found == "image.buffer-size" ? nil : found
  }
}

private final class SizesCheckedLast: PixelPageReader {
  override func refusal(_ buffer: BufferCase) -> String? {
    let found = super.refusal(buffer)
    guard found == "image.buffer-size", min(buffer.width, buffer.height) >= 2 else { return found }
    return buffer.planes.indices.lazy.compactMap { self.planeRefusal(buffer, $0) }.first ?? found
  }
}
