/// Only the image that the stem takes can be pixels, one image at a time, with a factor above zero for each channel.
func checkPixels(_ graph: Graph, _ target: Target, _ input: InputSpec) throws {
  for tensor in graph.outputs {
    try requireConsistent(
      tensor.pixels == nil,
      "\(place(graph, target)) gives \(tensor.name) as pixels, which only the image of the stem can be")
  }
  for tensor in graph.inputs {
    guard let pixels = tensor.pixels else { continue }
    try requireConsistent(
      graph.stage == 0 && tensor.name == imageTensor,
      "\(place(graph, target)) takes \(tensor.name) as pixels, which only the image of the stem can be")
    try requireConsistent(
      pixels.channelOrder == input.channelOrder && tensor.shape.first == 1,
      "\(place(graph, target)) takes pixels \(pixels.channelOrder.rawValue) of the shape \(brief(tensor.shape)); the model "
        + "takes \(input.channelOrder.rawValue), and pixels are one image")
    try requireFactors(pixels, place(graph, target))
  }
}

private func requireFactors(_ pixels: PixelScaling, _ place: String) throws {
  let channels = pixels.channelOrder.channels
  try requireConsistent(
    pixels.scale.count == channels && pixels.bias.count == channels && pixels.scale.allSatisfy { $0 > 0 },
    "\(place) takes pixels with the scales \(brief(pixels.scale)) and the biases \(brief(pixels.bias)); expected "
      + "\(channels) of each, and scales above zero")
}

/// A graph in a sentence.
func place(_ graph: Graph, _ target: Target) -> String { "graph \(graph.name) of target \(target.name)" }
