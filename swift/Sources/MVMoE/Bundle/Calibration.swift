/// The images by which a recipe has found the ranges of what layers take.
struct Calibration: Sendable {
  let images: Int

  /// Of the images' inputs.
  let sha256: String

  /// For each routed stage how many of the images took each expert.
  let routed: [[Int]]

  /// For each routed stage how many were sent to each expert besides, because those were too few.
  let forced: [[Int]]
}
