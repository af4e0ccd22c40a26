/// How an image's way through the routed stages compares with the golden one.
enum WayEnd {
  /// It took the golden route at every stage.
  case arrived

  /// It took another route between experts that are as good as equal.
  case nearTie

  /// It took another route.
  case rerouted
}

/// The ways of all images.
struct Ways {
  /// By image.
  let ends: [WayEnd]

  /// The largest of all routers' logits, relative to the router's largest golden logit.
  let routerError: Double

  /// The images whose way ends so.
  func images(_ end: WayEnd) -> [Int] { ends.indices.filter { ends[$0] == end } }
}
