/// What a target says of its compression fits its graphs and the rules, and of its accuracy makes sense.
func checkCompression(_ target: Target, _ rules: [any Rule]) throws {
  if let compression = target.compression { try checkLeft(target, compression.left) }
  if let calibration = target.compression?.calibration { try checkCalibration(target, calibration, rules) }
  if let accuracy = target.parity?.verification?.accuracy { try checkAccuracy(target, accuracy) }
}

/// Layers that were left are of graphs that the target has.
private func checkLeft(_ target: Target, _ left: [LeftLayer]) throws {
  let graphs = Set(target.graphs.map(\.name))
  for layer in left {
    try requireConsistent(
      graphs.contains(layer.graph),
      "target \(target.name) has a layer that was not compressed in graph \(layer.graph), which it does not have")
  }
}

/// Images are counted for each expert of each routed stage.
private func checkCalibration(_ target: Target, _ calibration: Calibration, _ rules: [any Rule]) throws {
  let wanted = rules.map(\.experts)
  for (name, rows) in [("routed", calibration.routed), ("forced", calibration.forced)] {
    let found = rows.map(\.count)
    try requireConsistent(
      found == wanted,
      "the calibration of target \(target.name) has the \(name) images of \(brief(found)) experts by stage, where "
        + "\(brief(wanted)) are expected")
  }
}

/// The interval of what is lost begins before it ends.
private func checkAccuracy(_ target: Target, _ accuracy: VerifiedAccuracy) throws {
  try requireConsistent(
    accuracy.leastLoss <= accuracy.mostLoss,
    "target \(target.name) loses at least \(accuracy.leastLoss) and at most \(accuracy.mostLoss) of its accuracy; "
      + "expected the smaller number first")
}
