/// Which cell of `[C, H, W]` each pixel of the upright image has; of the map itself where there is no image.
struct CellsOfImage {
  private let gridRows: Int
  private let gridColumns: Int
  private let transform: InputTransform?

  init(shape: [Int], transform: InputTransform?) {
    gridRows = shape[1]
    gridColumns = shape[2]
    self.transform = transform
  }

  var width: Int { transform?.imageWidth ?? gridColumns }

  var height: Int { transform?.imageHeight ?? gridRows }

  /// The cells' column for each of the image's; nil where the input does not reach.
  func columns() -> [Int?] { (0..<width).map(column) }

  /// The same of rows.
  func rows() -> [Int?] { (0..<height).map(row) }

  /// The place in `[H, W]` of the cell that the pixel's middle lies in; nil where the input does not reach.
  func cell(x: Int, y: Int) -> Int? {
    guard let column = column(of: x), let row = row(of: y) else { return nil }
    return row * gridColumns + column
  }

  private func column(of x: Int) -> Int? {
    guard (0..<width).contains(x) else { return nil }
    guard let transform else { return x }
    let column = transform.cell(ofColumn: x, columns: gridColumns)
    return column < 0 ? nil : column
  }

  private func row(of y: Int) -> Int? {
    guard (0..<height).contains(y) else { return nil }
    guard let transform else { return y }
    let row = transform.cell(ofRow: y, rows: gridRows)
    return row < 0 ? nil : row
  }
}

/// A place of `[C, H, W]` in C order; nil outside of it.
func placeIn(_ shape: [Int], _ channel: Int, _ row: Int, _ column: Int) -> Int? {
  let place = [channel, row, column]
  guard zip(place, shape).allSatisfy({ (0..<$1).contains($0) }) else { return nil }
  return (channel * shape[1] + row) * shape[2] + column
}
