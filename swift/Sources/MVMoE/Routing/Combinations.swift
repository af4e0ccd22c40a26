/// The sets of `length` of `experts` experts in lexicographic order, each made when it is asked for.
func combinations(_ experts: Int, _ length: Int) -> some Sequence<Route> {
  sequence(first: Array(0..<length)) { following($0, experts) }.lazy.map { Route($0) }
}

/// The number of sets of as many of `experts` experts as one of `lengths` says.
func countOfSets(_ experts: Int, _ lengths: ClosedRange<Int>) -> DecimalCount {
  var sets = DecimalCount(1)
  var total = DecimalCount(0)
  for length in 1...lengths.upperBound {
    sets.multiply(by: experts - length + 1)
    sets.divide(by: length)
    if lengths.contains(length) { total.add(sets) }
  }
  return total
}

/// The set after one in lexicographic order; nil after the last.
private func following(_ set: [Int], _ experts: Int) -> [Int]? {
  // The last place whose expert can still grow: those behind it are as high as they can be.
  guard let place = set.indices.last(where: { set[$0] < experts - set.count + $0 }) else { return nil }
  var next = set
  for each in place..<set.count { next[each] = set[place] + 1 + each - place }
  return next
}
