/// timm's crop mode `border`: all of the image is inside, with the mean colour beside it.
struct Border: ResizeRule {
  var name: String { "border" }

  func resized(width: Int, height: Int, input: InputSpec) -> ResizedSize {
    let wanted = scaled(input)
    let ratio = max(Double(width) / Double(wanted.width), Double(height) / Double(wanted.height))
    return ResizedSize(
      width: max(1, whole((Double(width) / ratio).rounded(.toNearestOrEven))),
      height: max(1, whole((Double(height) / ratio).rounded(.toNearestOrEven))))
  }
}
