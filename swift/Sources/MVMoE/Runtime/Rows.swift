/// A tensor of all images of a batch, `[n, ...]`.
protocol Rows: AnyObject {
  /// Writes what an image has into a tensor `[B, ...]` of a graph.
  func write(_ image: Int, to tensor: Tensor, position: Int)
}
