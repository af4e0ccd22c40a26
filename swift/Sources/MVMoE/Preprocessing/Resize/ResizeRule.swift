/// The size that all of an image is resized to, in pixels; larger than what is read where that is refused.
struct ResizedSize: Sendable, Equatable {
  let width: Int
  let height: Int
}

/// How an image gets the input's size (`docs/bundle.md`, *Where the input lies*); one type a rule.
///
/// Sides of images are at most ``InputPlacement/longestSide``, and an input's those that a manifest may have.
protocol ResizeRule: Sendable {
  /// Its name in a manifest.
  var name: String { get }

  /// What an upright image of this size is resized to.
  func resized(width: Int, height: Int, input: InputSpec) -> ResizedSize

  /// Where the input begins along one axis, if the resized image is smaller: at minus the padding before it.
  func beginOfPadded(resized: Int, side: Int, input: InputSpec) -> Int

  /// The level beside the image, of a channel in the input's order.
  func padding(channel: Int, input: InputSpec) -> Int
}

extension ResizeRule {
  func beginOfPadded(resized: Int, side: Int, input: InputSpec) -> Int { -((side - resized) / 2) }

  func padding(channel: Int, input: InputSpec) -> Int {
    whole(min(max(255 * input.mean[channel], 0), 255).rounded(.toNearestOrEven))
  }
}

/// The rules by their names.
enum ResizeRules {
  private static let known: [any ResizeRule] = [Timm(), Torchvision(), Squash(), Border(), Letterbox()]

  /// The names of all of them.
  static var names: [String] { known.map(\.name) }

  /// The rule of that name; nil where there is none.
  static func find(_ name: String) -> (any ResizeRule)? { known.first { $0.name == name } }
}

/// The input's sides divided by the crop fraction, rounded down.
func scaled(_ input: InputSpec) -> ResizedSize {
  ResizedSize(
    width: whole((Double(input.width) / input.cropFraction).rounded(.down)),
    height: whole((Double(input.height) / input.cropFraction).rounded(.down)))
}

/// The shorter side becomes `side`, the longer one is rounded down.
func shorter(to side: Int, width: Int, height: Int) -> ResizedSize {
  width <= height
    ? ResizedSize(width: side, height: scaled(side, by: height, over: width))
    : ResizedSize(width: scaled(side, by: width, over: height), height: side)
}

/// `side * longer div shorter`; a side that is refused anyway is not multiplied, which could overflow.
private func scaled(_ side: Int, by longer: Int, over shorter: Int) -> Int {
  side > Int32.max ? side : side * longer / shorter
}

/// The integer that a number is; the largest one where it is larger than all of them.
func whole(_ number: Double) -> Int { number < 0x1p62 ? Int(number) : Int.max }
