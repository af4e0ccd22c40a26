/// The fields of a manifest against each other (`docs/bundle.md`, *Consistency*), in the order of steps given there.
///
/// A manifest may be hostile: each check takes time and memory proportional to its size, whatever numbers it holds.
enum Consistency {
  /// Refuses a manifest that contradicts itself.
  ///
  /// - Throws: ``MVMoEError`` with the first fault; its message goes on after "the manifest is wrong: ".
  static func check(_ manifest: Manifest) throws {
    try checkStages(manifest.stages)
    try checkOutputs(manifest)
    try checkUsagePrior(manifest)
    try checkRestrictions(manifest.restrictions)
    try checkPaths(manifest)
    try checkFiles(manifest)
    var shapes = OutputShapes()
    for target in manifest.targets { try checkTarget(target, manifest, &shapes) }
    try checkKinds(manifest, shapes)
    try checkGoldenSize(manifest, shapes)
  }

  private static func checkTarget(_ target: Target, _ manifest: Manifest, _ shapes: inout OutputShapes) throws {
    let strategy = try strategy(of: target)
    let rules = manifest.rules
    if target.routersInGraph { try checkRoutersInGraph(target, strategy, manifest) }
    try checkGraphs(target, strategy, graphStages(manifest, target))
    try checkExpertBytes(target, strategy, rules)
    try checkCompression(target, rules)
    try checkTensors(target, strategy, manifest, &shapes)
    try checkRanges(target, strategy, rules)
    try checkBound(target, manifest.stages)
  }
}

/// The strategy of a target; every target that was checked has one.
func strategy(of target: Target) throws -> any Strategy {
  if let strategy = Strategies.find(target.strategy) { return strategy }
  throw inconsistent(
    "target \(target.name) is of the strategy \(target.strategy); this release has "
      + "\(Strategies.names.joined(separator: ", ")): use another target, or a release that has the strategy",
    Fault(
      .bundleUnknownStrategy,
      ["name": .text(target.strategy), "installed": .list(Strategies.names.map(ErrorValue.text))]))
}
