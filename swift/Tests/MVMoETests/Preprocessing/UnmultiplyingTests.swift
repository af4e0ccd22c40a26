import Testing

@testable import MVMoE

@Suite struct UnmultiplyingTests {
  @Test("Colours are divided by their alpha; without alpha they stay, and under alpha 0 nothing is left")
  func colours() {
    let pixels: [UInt8] = [
      10, 20, 30, 255,
      10, 20, 30, 0,
      64, 32, 128, 128,
      9, 8, 200, 100,
    ]
    let expected: [UInt8] = [
      10, 20, 30, 255,
      10, 20, 30, 0,
      128, 64, 255, 128,
      23, 20, 255, 100,
    ]
    #expect(unmultiplied(pixels, width: 4, rowStride: 16) == expected)
  }

  @Test("Bytes between rows stay as they are")
  func rows() {
    let pixels: [UInt8] = [1, 1, 1, 2, 77, 77, 1, 1, 1, 2, 77, 77]
    #expect(unmultiplied(pixels, width: 1, rowStride: 6) == [128, 128, 128, 2, 77, 77, 128, 128, 128, 2, 77, 77])
  }

  @Test("A colour that was multiplied comes back to within what its alpha leaves of it")
  func rounding() {
    for alpha in 1...255 {
      for level in 0...255 {
        let multiplied = UInt8((level * alpha + 127) / 255)
        let found = unmultiplied([multiplied, 0, 0, UInt8(alpha)], width: 1, rowStride: 4)[0]
        #expect(abs(Int(found) - level) * 2 * alpha <= 255 + 2 * alpha, "level \(level), alpha \(alpha)")
      }
    }
  }

  private func unmultiplied(_ pixels: [UInt8], width: Int, rowStride: Int) -> [UInt8] {
    var pixels = pixels
    pixels.withUnsafeMutableBytes { bytes in
      guard let memory = bytes.baseAddress else { return }
      Unmultiplying.unmultiply(memory, width: width, height: bytes.count / rowStride, rowStride: rowStride)
    }
    return pixels
  }
}
