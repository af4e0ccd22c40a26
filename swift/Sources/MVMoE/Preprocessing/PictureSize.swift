/// How large a picture may be, and how it is made smaller where it is decoded.
struct PictureSize: Sendable, Equatable {
  /// As the reference: a decoder of a picture that is coded in several passes needs memory for all of it.
  static let mostPixels = 100_000_000

  let width: Int
  let height: Int

  /// Sides below 1 are those of no picture.
  var isEmpty: Bool { min(width, height) < 1 }

  /// The largest number there is where it would be larger.
  var pixels: Int {
    let (pixels, isTooLarge) = width.multipliedReportingOverflow(by: height)
    return isTooLarge ? Int.max : pixels
  }

  /// Refuses a picture of more pixels than are read; `name` is that of messages.
  ///
  /// - Throws: ``MVMoEError`` (`image.too-large`).
  func requireReadable(_ name: String) throws {
    guard pixels > Self.mostPixels else { return }
    throw MVMoEError(
      .imageTooLarge,
      "\(name) has \(width) x \(height) pixels; at most \(Self.mostPixels) are read: scale it down")
  }

  /// By how much a decoder divides the sides: the smallest of 1, 2, 4 and 8 that leaves no more pixels than these, else 8.
  func divisor(leaving mostPixels: Int) -> Int {
    [1, 2, 4].first { pixels / $0 / $0 <= mostPixels } ?? 8
  }

  /// The longer side of a picture of the same proportions with no more pixels than these, and at least 1.
  func longerSide(leaving mostPixels: Int) -> Int {
    let (longer, shorter) = (Double(max(width, height)), Double(max(min(width, height), 1)))
    let side = (Double(mostPixels) * longer / shorter).squareRoot()
    return max(Int(min(side, longer)), 1)
  }
}
