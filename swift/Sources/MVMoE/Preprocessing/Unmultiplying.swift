/// Colours as they were before they were multiplied by their alpha.
enum Unmultiplying {
  /// Divides red, green and blue of pixels `RGBA` by their alpha, row by row; where alpha is 0 nothing is left of a colour.
  ///
  /// - Parameters:
  ///   - memory: `height` rows, `rowStride` bytes apart.
  static func unmultiply(_ memory: UnsafeMutableRawPointer, width: Int, height: Int, rowStride: Int) {
    let bytes = memory.assumingMemoryBound(to: UInt8.self)
    for y in 0..<height {
      let row = bytes + y * rowStride
      for x in 0..<width { unmultiply(row + 4 * x) }
    }
  }

  @inline(__always)
  private static func unmultiply(_ pixel: UnsafeMutablePointer<UInt8>) {
    let alpha = Int(pixel[3])
    guard alpha > 0, alpha < 255 else { return }
    for channel in 0..<3 {
      // To the nearest level; a colour above its alpha is no colour, and is cut.
      pixel[channel] = UInt8(min((Int(pixel[channel]) * 255 + alpha / 2) / alpha, 255))
    }
  }
}
