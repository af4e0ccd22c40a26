/// torchvision's `Resize(resize_size)` and `CenterCrop`.
struct Torchvision: ResizeRule {
  var name: String { "torchvision" }

  func resized(width: Int, height: Int, input: InputSpec) -> ResizedSize {
    // A manifest with this rule has the size.
    shorter(to: input.resizeSize ?? max(input.width, input.height), width: width, height: height)
  }
}
