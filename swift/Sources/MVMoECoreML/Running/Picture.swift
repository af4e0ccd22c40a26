import MVMoE

/// The pixels of an image that a graph takes as it is.
///
/// A dispatcher gives graphs what preprocessing has made of an image, so here its pixels are found again: exactly, since each
/// is a whole number from 0 to 255 times a scale plus a bias.
struct Picture: Sendable {
  private let tensor: Tensor
  private let scaling: PixelScaling

  /// - Parameter tensor: The input `[1, C, H, W]` of the graph, normalised.
  init(_ tensor: Tensor, _ scaling: PixelScaling) {
    self.tensor = tensor
    self.scaling = scaling
  }

  /// In pixels.
  var width: Int { tensor.shape.last ?? 0 }

  /// In pixels.
  var height: Int { tensor.shape.dropLast().last ?? 0 }

  /// One byte of grey a pixel, else four: blue, green, red, alpha.
  var isGrey: Bool { scaling.channelOrder == .grey }

  /// Writes the pixels that the tensor holds now, row after row.
  ///
  /// - Precondition: `memory` has room for all rows of `bytesPerRow` bytes, which are enough for one.
  func write(to memory: UnsafeMutableRawBufferPointer, bytesPerRow: Int) {
    let samples = isGrey ? 1 : 4
    let bytes = memory.assumingMemoryBound(to: UInt8.self)
    for (channel, sample) in places.enumerated() {
      let (scale, bias) = (Float(scaling.scale[channel]), Float(scaling.bias[channel]))
      for row in 0..<height {
        let numbers = (channel * height + row) * width
        let pixels = row * bytesPerRow + sample
        for column in 0..<width {
          bytes[pixels + column * samples] = level((tensor.floats[numbers + column] - bias) / scale)
        }
      }
    }
    guard !isGrey else { return }
    for row in 0..<height {
      for column in 0..<width { bytes[row * bytesPerRow + column * samples + 3] = 255 }
    }
  }

  /// Which sample of a pixel each channel is.
  private var places: [Int] {
    switch scaling.channelOrder {
    case .grey: [0]
    case .rgb: [2, 1, 0]
    case .bgr: [0, 1, 2]
    }
  }

  private func level(_ pixel: Float) -> UInt8 {
    // What is not finite is no pixel; any level is as good.
    UInt8(exactly: min(max(pixel.rounded(.toNearestOrEven), 0), 255)) ?? 0
  }
}
