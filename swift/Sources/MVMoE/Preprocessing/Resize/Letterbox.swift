/// Detectors' letterbox: all of the image is inside, with one level beside it; in whole numbers throughout.
struct Letterbox: ResizeRule {
  var name: String { "letterbox" }

  func resized(width: Int, height: Int, input: InputSpec) -> ResizedSize {
    let isDown = input.padRounding == "down"
    if input.width * height <= input.height * width {
      return ResizedSize(width: input.width, height: quotient(height * input.width, width, isDown: isDown))
    }
    return ResizedSize(width: quotient(width * input.height, height, isDown: isDown), height: input.height)
  }

  func beginOfPadded(resized: Int, side: Int, input: InputSpec) -> Int {
    input.padPlace == "right-bottom" ? 0 : -((side - resized) / 2)
  }

  // A manifest with this rule has the level.
  func padding(channel: Int, input: InputSpec) -> Int { input.padLevel ?? 0 }

  /// Rounded down or to the nearest, from an exact half to the even one; at least 1.
  private func quotient(_ dividend: Int, _ divisor: Int, isDown: Bool) -> Int {
    let (below, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
    let isAbove = 2 * rest > divisor || (2 * rest == divisor && below % 2 == 1)
    return max(1, isDown || !isAbove ? below : below + 1)
  }
}
