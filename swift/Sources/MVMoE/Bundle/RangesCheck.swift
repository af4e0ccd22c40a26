/// Where an expert's range may begin: at a page of any device, Apple's and Android's of 16 KiB.
let rangeAlignment = 16_384

/// Where a tensor may begin inside of a range: at a line of any cache.
let tensorAlignment = 64

/// With `bind` each expert has a range of the file of weights; ranges are aligned, inside the file, and have no byte in common.
func checkRanges(_ target: Target, _ strategy: any Strategy, _ rules: [any Rule]) throws {
  let wanted = strategy.bindsWeights ? rules.map(\.experts) : []
  let found = target.experts.map(\.count)
  let fault = Fault(.bundleRangesInvalid, ["target": .text(target.name)])
  try requireConsistent(
    found == wanted, fault,
    "target \(target.name) has the ranges of \(brief(found)) experts by stage, where \(brief(wanted)) are expected with "
      + "the strategy \(target.strategy)")
  let room = target.files.first { $0.path == target.weights }?.bytes ?? 0
  for (index, row) in target.experts.enumerated() {
    for (number, expert) in row.enumerated() {
      try checkRange(expert, room, fault) { "expert \(number) of routed stage \(index + 1) of target \(target.name)" }
    }
  }
  try checkApart(target, fault)
}

private func checkRange(_ expert: ExpertWeights, _ room: Int, _ fault: Fault, _ place: () -> String) throws {
  try requireConsistent(
    expert.offset.isMultiple(of: rangeAlignment), fault,
    "the range of \(place()) begins at \(expert.offset), which is no multiple of \(rangeAlignment)")
  let end = expert.offset + expert.bytes
  try requireConsistent(
    end <= room, fault, "the range of \(place()) ends at \(end), beyond its file of weights of \(room) bytes")
  for (name, tensor) in expert.tensors {
    let isAligned = tensor.offset.isMultiple(of: tensorAlignment)
    // A difference, because the bytes of a shape may be beyond all numbers.
    let isInside = tensor.offset >= expert.offset && byteCount(of: tensor.shape, tensor.dtype) <= end - tensor.offset
    try requireConsistent(
      isAligned && isInside, fault,
      "the tensor \(name) of \(place()) at \(tensor.offset) is not inside of its range, or at no multiple of "
        + "\(tensorAlignment)")
  }
}

private func checkApart(_ target: Target, _ fault: Fault) throws {
  let ranges = target.experts.joined().filter { $0.bytes > 0 }.sorted { $0.offset < $1.offset }
  for (one, next) in zip(ranges, ranges.dropFirst()) {
    try requireConsistent(
      one.offset + one.bytes <= next.offset, fault,
      "two experts of target \(target.name) have ranges that overlap, at \(next.offset)")
  }
}
