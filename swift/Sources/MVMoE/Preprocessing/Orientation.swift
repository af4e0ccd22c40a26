/// How an image is turned upright: where the pixel of an upright column and row is stored (`docs/bundle.md`, *Buffers*).
struct Orientation: Sendable, Equatable {
  /// Whether upright columns are stored rows, so that the sides are exchanged.
  let isTransposed: Bool

  /// Whether the first stored column is the last one of its upright axis.
  let reversesColumns: Bool

  /// Whether the first stored row is the last one of its upright axis.
  let reversesRows: Bool

  /// That of EXIF's number, 1 to 8, which was checked.
  init(_ number: Int) {
    isTransposed = number > 4
    reversesColumns = [2, 3, 7, 8].contains(number)
    reversesRows = [3, 4, 6, 7].contains(number)
  }
}
