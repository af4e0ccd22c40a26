/// A class for each place of the input, from logits `[K, H, W]`.
///
/// With K = 1 there is foreground, whose class is 1, and all else, 0.
public struct MaskOutput: Output, CustomStringConvertible {
  public let spec: OutputSpec
  public let shape: [Int]
  public let values: [Float]
  let transform: InputTransform?

  /// H, the rows of the mask.
  public var height: Int { shape[1] }

  /// W, the columns of the mask.
  public var width: Int { shape[2] }

  /// The class of each place `[H, W]` of the mask.
  public func classMap() -> [Int32] { classes.all() }

  /// The class at a place of the mask; nil outside of `[H, W]`.
  public func classAt(row: Int, column: Int) -> Int? { placeIn(shape, 0, row, column).map { classes[$0] } }

  /// The class of a pixel of the upright image: that of the cell that the pixel's middle lies in; nil where the input does not
  /// reach. Without an image pixels are those of the mask.
  public func classAtPixel(x: Int, y: Int) -> Int? {
    CellsOfImage(shape: shape, transform: transform).cell(x: x, y: y).map { classes[$0] }
  }

  /// The class of each pixel `[H, W]` of the upright image, as ``classAtPixel(x:y:)`` says; -1 where the input does not reach.
  public func classMapOfImage() -> [Int32] {
    let cells = CellsOfImage(shape: shape, transform: transform)
    let known = classMap()
    let columns = cells.columns()
    var classes: [Int32] = []
    classes.reserveCapacity(columns.count * cells.height)
    for row in cells.rows() {
      for column in columns {
        if let row, let column { classes.append(known[row * width + column]) } else { classes.append(-1) }
      }
    }
    return classes
  }

  /// The classes that some place has, in their order, each with its share of all places. With K = 1 the foreground alone, which
  /// has the index 0 here as the only class with a label.
  public func shares() -> [ClassShare] {
    var counts = Array(repeating: 0, count: max(shape[0], 2))
    for found in classMap() { counts[Int(found)] += 1 }
    let found = shape[0] == 1 ? [counts[1]] : counts
    return found.enumerated().filter { $0.element > 0 }.map { index, count in
      ClassShare(index: index, label: label(index), share: Double(count) / Double(height * width))
    }
  }

  private var classes: PlaceClasses { PlaceClasses(values, shape: shape) }
}
