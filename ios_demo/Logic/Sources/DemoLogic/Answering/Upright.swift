/// Where a pixel of the upright image lies in the buffer, by EXIF's orientation.
struct Upright {
  /// Of the upright image, in pixels.
  let width: Int

  /// Of the upright image, in pixels.
  let height: Int

  private let orientation: Int
  private let right: Int
  private let bottom: Int

  /// - Parameters:
  ///   - width: of the buffer.
  ///   - height: of the buffer.
  init(width: Int, height: Int, orientation: Int) {
    self.orientation = orientation
    (right, bottom) = (width - 1, height - 1)
    // From 5 on width and height are exchanged.
    (self.width, self.height) = orientation > 4 ? (height, width) : (width, height)
  }

  func stored(x: Int, y: Int) -> (x: Int, y: Int) {
    switch orientation {
    case 2: (right - x, y)
    case 3: (right - x, bottom - y)
    case 4: (x, bottom - y)
    case 5: (y, x)
    case 6: (y, bottom - x)
    case 7: (right - y, bottom - x)
    case 8: (right - y, x)
    default: (x, y)
    }
  }
}
