/// timm's crop mode `center`: the shorter side is that of the input, divided by the crop fraction.
struct Timm: ResizeRule {
  var name: String { "timm" }

  func resized(width: Int, height: Int, input: InputSpec) -> ResizedSize {
    let wanted = scaled(input)
    if input.width == input.height { return shorter(to: wanted.width, width: width, height: height) }
    let ratio = min(Double(width) / Double(wanted.width), Double(height) / Double(wanted.height))
    return ResizedSize(
      width: whole((Double(width) / ratio).rounded(.toNearestOrEven)),
      height: whole((Double(height) / ratio).rounded(.toNearestOrEven)))
  }
}
