/// The class of each place of logits `[K, H, W]`; of one class 1 is foreground, and 0 all else.
struct PlaceClasses: Sendable {
  private let values: [Float]
  private let classes: Int
  private let size: Int

  init(_ values: [Float], shape: [Int]) {
    self.values = values
    classes = shape[0]
    size = shape[1] * shape[2]
  }

  /// The places `[H, W]` in C order.
  var places: Range<Int> { 0..<size }

  /// The class of a place: that of the highest logit, of equal ones the lowest.
  subscript(place: Int) -> Int {
    if classes == 1 { return values[place] > 0 ? 1 : 0 }
    return scores(of: place).best()
  }

  /// The class of each place: as one by one, but in the order in which the logits lie in memory.
  func all() -> [Int32] {
    if classes == 1 { return places.map { values[$0] > 0 ? 1 : 0 } }
    var found = [Int32](repeating: 0, count: size)
    var highest = Array(values[places])
    for index in 1..<classes {
      for (place, logit) in zip(places, values[index * size..<(index + 1) * size]) where logit > highest[place] {
        highest[place] = logit
        found[place] = Int32(truncatingIfNeeded: index)
      }
    }
    return found
  }

  /// By how much the class of a place is decided.
  func margin(of place: Int) -> Double {
    classes == 1 ? abs(Double(values[place])) : scores(of: place).margin()
  }

  private func scores(of place: Int) -> ClassScores {
    ClassScores(values: values, first: place, step: size, classes: classes)
  }
}
