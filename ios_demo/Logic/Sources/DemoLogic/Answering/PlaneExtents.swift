import MVMoE

/// Whether a buffer's planes have all the bytes that its size and strides name.
enum PlaneExtents {
  /// How many pixels a buffer may have that is looked at.
  private static let mostPixels = 1 << 32

  static func fit(_ pixels: PixelBuffer) -> Bool {
    let (count, overflows) = pixels.width.multipliedReportingOverflow(by: pixels.height)
    guard pixels.width > 0, pixels.height > 0, !overflows, count <= mostPixels else { return false }
    let samples = samples(pixels.format)
    guard pixels.planes.count == samples.count else { return false }
    return zip(pixels.planes, samples).enumerated().allSatisfy { number, found in
      // Chroma is of 2 x 2 pixels.
      let part = number == 0 ? 1 : 2
      return fits(found.0, (pixels.width + part - 1) / part, (pixels.height + part - 1) / part, found.1)
    }
  }

  /// The samples of a pixel in each plane.
  private static func samples(_ format: PixelFormat) -> [Int] {
    switch format {
    case .grey: [1]
    case .rgb: [3]
    case .rgba, .bgra: [4]
    case .nv12, .nv21: [1, 2]
    case .yuv420: [1, 1, 1]
    }
  }

  private static func fits(_ plane: Plane, _ width: Int, _ height: Int, _ samples: Int) -> Bool {
    guard plane.rowStride >= 0, plane.pixelStride >= 0 else { return false }
    let (rows, tooHigh) = plane.rowStride.multipliedReportingOverflow(by: height - 1)
    let (row, tooWide) = plane.pixelStride.multipliedReportingOverflow(by: width - 1)
    let (last, tooLong) = rows.addingReportingOverflow(row)
    let (end, tooFar) = last.addingReportingOverflow(samples)
    let isFinite = !tooHigh && !tooWide && !tooLong && !tooFar
    return isFinite && plane.bytes.withUnsafeBytes { $0.count >= end }
  }
}
