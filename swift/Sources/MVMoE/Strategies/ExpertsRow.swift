/// One image's row of experts in an input `[B, n]` of integers, int64 or int32.
struct ExpertsRow {
  private let row: BytesRow
  private let isLong: Bool

  init(_ tensor: Tensor, position: Int) {
    row = BytesRow(tensor, position: position)
    isLong = tensor.dtype == .int64
  }

  /// The experts of a route, 0 behind them.
  func fill(_ route: Route) {
    if isLong { write(route, as: Int64.self) } else { write(route, as: Int32.self) }
  }

  private func write<Number: FixedWidthInteger>(_ route: Route, as type: Number.Type) {
    let numbers = row.bytes.assumingMemoryBound(to: type)
    precondition(route.count <= numbers.count, "a route of a checked bundle has room in its input")
    for place in numbers.indices {
      numbers[place] = place < route.count ? Number(truncatingIfNeeded: route[place]) : 0
    }
  }
}
