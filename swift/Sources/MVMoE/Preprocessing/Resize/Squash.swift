/// timm's crop mode `squash`: both sides are those of the input, divided by the crop fraction, whatever the proportions.
struct Squash: ResizeRule {
  var name: String { "squash" }

  func resized(width: Int, height: Int, input: InputSpec) -> ResizedSize { scaled(input) }
}
