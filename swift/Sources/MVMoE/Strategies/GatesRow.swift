/// One image's row of numbers in an input `[B, n]`, which is written by places.
struct GatesRow {
  private let row: BytesRow

  init(_ tensor: Tensor, position: Int) { row = BytesRow(tensor, position: position) }

  /// The gates of a route in its order, 0 behind them.
  func fill(_ gates: [Float]) {
    let numbers = row.bytes.assumingMemoryBound(to: Float.self)
    precondition(gates.count <= numbers.count, "a route of a checked bundle has room in its input")
    for place in numbers.indices { numbers[place] = place < gates.count ? gates[place] : 0 }
  }

  /// Each gate at the place of its expert, 0 elsewhere.
  func scatter(_ gates: [Float], of route: Route) {
    let numbers = row.bytes.assumingMemoryBound(to: Float.self)
    precondition((route.last ?? 0) < numbers.count, "a route of a checked bundle has room in its input")
    numbers.update(repeating: 0)
    for (expert, gate) in zip(route, gates) { numbers[expert] = gate }
  }
}
