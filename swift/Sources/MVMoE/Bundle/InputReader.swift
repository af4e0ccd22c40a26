private let sides = 1...8192
private let means = NumberRange.closed(-1000, 1000)
private let deviations = NumberRange.closed(1e-6, 1000)

/// The fields of `input`, which have to make one way from an image to the input (`preprocessing.invalid`).
package func readInput(_ fields: Fields) throws -> InputSpec {
  let input = InputSpec(
    height: try fields.int("height", sides),
    width: try fields.int("width", sides),
    channelOrder: try fields.find("channel_order").map(readChannelOrder) ?? .rgb,
    resize: try fields.oneOf("resize", ["timm", "torchvision", "squash", "border", "letterbox"], default: "timm"),
    cropFraction: try fields.number("crop_fraction", .above(0, 1), default: 1),
    resizeSize: try fields.optional("resize_size") { try $0.int(sides) },
    padLevel: try fields.optional("pad_level") { try $0.int(0...255) },
    padPlace: try fields.optional("pad_place") { try $0.oneOf(["around", "right-bottom"]) },
    padRounding: try fields.optional("pad_rounding") { try $0.oneOf(["nearest", "down"]) },
    interpolation: try fields.oneOf(
      "interpolation", ["bicubic", "bilinear", "nearest", "lanczos"], default: "bicubic"),
    mean: try fields.numbers("mean", means, default: [0.485, 0.456, 0.406]),
    std: try fields.numbers("std", deviations, default: [0.229, 0.224, 0.225])
  )
  try requireChannels(input)
  try requireFieldsOfRule(input)
  return input
}

private func requireChannels(_ input: InputSpec) throws {
  let (order, channels) = (input.channelOrder.rawValue, input.channelOrder.channels)
  for (name, values) in [("mean", input.mean), ("std", input.std)] {
    try require(
      values.count == channels, name,
      "\(name) has \(values.count) numbers, and the channel order \(order) needs \(channels)")
  }
}

/// Each rule has the fields that it reads, and none of the others'.
private func requireFieldsOfRule(_ input: InputSpec) throws {
  try require(
    input.cropFraction == 1 || ["timm", "squash", "border"].contains(input.resize), "crop_fraction",
    "crop_fraction is \(input.cropFraction), which the rule \(input.resize) does not read; leave it out")
  try requireOnlyWith("letterbox", input, "pad_level", input.padLevel)
  try requireOnlyWith("letterbox", input, "pad_place", input.padPlace)
  try requireOnlyWith("letterbox", input, "pad_rounding", input.padRounding)
  try requireOnlyWith("torchvision", input, "resize_size", input.resizeSize)
  let largest = max(input.height, input.width)
  guard let size = input.resizeSize else { return }
  try require(
    size >= largest, "resize_size", "resize_size \(size) is smaller than the input; expected at least \(largest)")
}

private func requireOnlyWith<T>(_ rule: String, _ input: InputSpec, _ name: String, _ value: T?) throws {
  if let value {
    try require(
      input.resize == rule, name, "\(name) is \(value), which the rule \(input.resize) does not read; leave it out")
  } else {
    try require(input.resize != rule, name, "the rule \(rule) reads \(name), which is not there; give it")
  }
}

private func require(_ holds: Bool, _ name: String, _ sentence: @autoclosure () -> String) throws {
  guard holds else { throw MVMoEError(.preprocessingInvalid, sentence(), fields: ["name": .text(name)]) }
}
