/// Where the input lies in an image (`docs/bundle.md`, *Where the input lies*).
enum InputPlacement {
  /// No pass may make more pixels: of a line of 1 x 10,000 a crop would need gigabytes.
  private static let mostPixels = 100_000_000

  /// A table of weights has several numbers for each pixel of a side.
  static let longestSide = 1_000_000

  /// That of an upright image of this size.
  ///
  /// - Throws: ``MVMoEError`` for a size that no number here has room for (`image.too-large`).
  static func of(width: Int, height: Int, input: InputSpec, rule: any ResizeRule) throws -> InputTransform {
    guard max(width, height) <= Int32.max else { throw tooLong(width, height) }
    let resized = rule.resized(width: width, height: height, input: input)
    guard max(resized.width, resized.height) <= mostPixels else { throw tooLong(width, height) }
    return InputTransform(
      imageWidth: width,
      imageHeight: height,
      resizedWidth: resized.width,
      resizedHeight: resized.height,
      left: begin(resized.width, input.width, input, rule),
      top: begin(resized.height, input.height, input, rule),
      inputWidth: input.width,
      inputHeight: input.height)
  }

  /// Refuses an image that is so long and narrow that resizing it would take gigabytes.
  ///
  /// - Throws: ``MVMoEError`` (`image.too-large`).
  static func requireRoom(_ transform: InputTransform) throws {
    let side = max(transform.imageWidth, transform.imageHeight)
    let rows = transform.resizedWidth * transform.imageHeight
    let columns = min(transform.inputWidth, transform.resizedWidth) * transform.resizedHeight
    guard side <= longestSide, max(rows, columns) <= mostPixels else {
      throw tooLong(transform.imageWidth, transform.imageHeight)
    }
  }

  private static func begin(_ resized: Int, _ side: Int, _ input: InputSpec, _ rule: any ResizeRule) -> Int {
    resized >= side
      ? centred(resized - side) : rule.beginOfPadded(resized: resized, side: side, input: input)
  }

  /// Half of it, from a half to the even one.
  private static func centred(_ difference: Int) -> Int {
    Int((Double(difference) / 2).rounded(.toNearestOrEven))
  }

  private static func tooLong(_ width: Int, _ height: Int) -> MVMoEError {
    MVMoEError(
      .imageTooLarge,
      "an image of \(width) x \(height) pixels is too long and narrow to be resized: at most \(mostPixels) pixels are made "
        + "on the way, of sides of at most \(longestSide); crop it first")
  }
}
