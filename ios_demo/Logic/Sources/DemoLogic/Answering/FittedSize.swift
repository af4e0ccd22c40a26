/// An image made as small as needed, by the nearest pixels.
struct FittedSize {
  let imageWidth: Int
  let imageHeight: Int
  let width: Int
  let height: Int

  /// - Parameters:
  ///   - width: of the image, above 0.
  ///   - height: of the image, above 0.
  ///   - longest: the most pixels of a side.
  init(width: Int, height: Int, longest: Int) {
    imageWidth = width
    imageHeight = height
    let scale = min(1, Double(longest) / Double(max(width, height)))
    self.width = Self.scaled(width, scale)
    self.height = Self.scaled(height, scale)
  }

  /// Its width by that of the image.
  var scale: Double { Double(width) / Double(imageWidth) }

  /// The image's column that a column shows.
  func column(_ x: Int) -> Int { Self.nearest(x, width, imageWidth) }

  /// The image's row that a row shows.
  func row(_ y: Int) -> Int { Self.nearest(y, height, imageHeight) }

  /// What each place `[height, width]` has of the image's column and row that it shows.
  func places<Value>(_ value: (_ x: Int, _ y: Int) -> Value) -> [Value] {
    let columns = (0..<width).map(column)
    return (0..<height).flatMap { y in
      let row = row(y)
      return columns.map { value($0, row) }
    }
  }

  private static func scaled(_ side: Int, _ scale: Double) -> Int { max(1, Int((Double(side) * scale).rounded())) }

  private static func nearest(_ place: Int, _ size: Int, _ imageSize: Int) -> Int {
    (2 * place + 1) * imageSize / (2 * size)
  }
}
