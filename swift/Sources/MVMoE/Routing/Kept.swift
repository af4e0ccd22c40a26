/// The numbers of experts.
private let expertNumbers = 0...4095

/// Kept experts that a description names.
private let mostNamed = 8

/// The experts that a rule selects from, which the field `kept` of a manifest names; nil for all of them.
func readKept(_ fields: Fields) throws -> [Int]? {
  try fields.optional("kept") { field in try field.list(expertCounts) { try $0.int(expertNumbers) } }
}

/// Refuses kept experts that are not some of all, in ascending order, and enough for a route: all of them are said by nil alone.
func requireKept(_ kept: [Int]?, of experts: Int, fewest: Int, name: String) throws {
  guard let kept else { return }
  try requireRule(
    isAscending(Route(kept), experts: experts) && kept.count >= fewest && kept.count < experts,
    "\(name) keeps the experts \(shown(Route(kept))) of \(experts); give \(fewest) or more of them, fewer than "
      + "\(experts), in ascending order")
}

/// What a rule's description says of kept experts: `, only 0, 2 and 5`; nothing of all.
func onlyKept(_ kept: [Int]?) -> String {
  guard let kept, let last = kept.last else { return "" }
  if kept.count > mostNamed { return ", only \(kept.count) of them" }
  let others = kept.dropLast().map(String.init).joined(separator: ", ")
  return others.isEmpty ? ", only \(last)" : ", only \(others) and \(last)"
}

/// Whether an expert is one of those kept, which ascend.
func isKept(_ expert: Int, _ kept: [Int]) -> Bool {
  var low = 0
  var high = kept.count
  while low < high {
    let middle = (low + high) / 2
    if kept[middle] < expert { low = middle + 1 } else { high = middle }
  }
  return low < kept.count && kept[low] == expert
}
