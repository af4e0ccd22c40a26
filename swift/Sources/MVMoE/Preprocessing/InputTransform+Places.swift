extension InputTransform {
  /// A box of the input as one of the upright image.
  ///
  /// It is cut to the image where `cut` says so, since a detector's box may reach into the padding.
  public func toImage(_ box: Box, cut: Bool = true) -> Box {
    let moved = Box(left: column(box.left), top: row(box.top), right: column(box.right), bottom: row(box.bottom))
    return cut ? cutToImage(moved) : moved
  }

  /// Of that many columns of equal cells over the input the one that the middle of the image's column `x` lies in; -1 outside.
  func cell(ofColumn x: Int, columns: Int) -> Int {
    Self.cell(of: x, imageWidth, resizedWidth, left, inputWidth, columns)
  }

  /// The same of rows.
  func cell(ofRow y: Int, rows: Int) -> Int { Self.cell(of: y, imageHeight, resizedHeight, top, inputHeight, rows) }

  // Add, multiply, divide, in this order: no scale is rounded.
  private func column(_ x: Double) -> Double { (x + Double(left)) * Double(imageWidth) / Double(resizedWidth) }

  private func row(_ y: Double) -> Double { (y + Double(top)) * Double(imageHeight) / Double(resizedHeight) }

  private func cutToImage(_ box: Box) -> Box {
    Box(
      left: Self.cut(box.left, imageWidth), top: Self.cut(box.top, imageHeight),
      right: Self.cut(box.right, imageWidth), bottom: Self.cut(box.bottom, imageHeight))
  }

  private static func cut(_ place: Double, _ side: Int) -> Double {
    if place < 0 { return 0 }
    return place > Double(side) ? Double(side) : place
  }

  /// In whole numbers throughout: the middle of a pixel and the border of a cell may be the same place.
  private static func cell(of pixel: Int, _ image: Int, _ resized: Int, _ first: Int, _ size: Int, _ cells: Int) -> Int
  {
    // In units of which the input has `end`.
    let middle = (2 * pixel + 1) * resized - 2 * image * first
    let end = 2 * image * size
    return middle >= 0 && middle < end ? middle * cells / end : -1
  }
}
