/// The stem has no rule, every stage after it has one; names are distinct; tensors are given before they are taken.
func checkStages(_ stages: [Stage]) throws {
  guard let stem = stages.first, stem.rule == nil, stages.dropFirst().allSatisfy({ $0.rule != nil }) else {
    throw inconsistent("the stages are not the stem without a rule and then routed steps with one each")
  }
  try requireDistinct(stages.map(\.name), "stage")
  for stage in stages { try checkFinishes(stage) }
  try requireConsistent(
    stem.takes == [imageTensor: imageTensor],
    "the stem takes \(brief(stem.takes.map { "\($0): \($1)" }.sorted())); expected the \(imageTensor) alone, under that "
      + "name")
  try checkChoices(stages)
  var known: Set = [imageTensor]
  for stage in stages {
    try checkFlow(stage, known)
    known.formUnion(stage.gives.values)
  }
}

/// One choice is made for all stages that name it.
private func checkChoices(_ stages: [Stage]) throws {
  guard let choice = Choices.contradiction(stages.compactMap(\.rule)) else { return }
  throw inconsistent(
    "stages with the choice \(choice) differ in their names, or in whether a router decides otherwise; one choice is made "
      + "for all of them")
}

/// The routes that finish an image are some of the rule's, and not all.
private func checkFinishes(_ stage: Stage) throws {
  if stage.finishes.isEmpty { return }
  let fault = Fault(.bundleFinishesInvalid, ["stage": .text(stage.name)])
  guard let rule = stage.rule else {
    throw inconsistent("stage \(stage.name) has no rule, yet finishes images", fault)
  }
  try requireDistinct(stage.finishes, "finishing route of stage \(stage.name)", fault)
  for route in stage.finishes {
    try requireConsistent(
      rule.contains(route), fault,
      "stage \(stage.name) finishes images on the route \(brief(route)), which its rule (\(rule.describe())) does not have"
    )
  }
  let finishes = Set(stage.finishes)
  try requireConsistent(
    rule.routes().contains { !finishes.contains($0) }, fault,
    "stage \(stage.name) finishes images on every route, so that it never runs")
}

/// A stage takes tensors that stages before it give, and gives new ones.
private func checkFlow(_ stage: Stage, _ known: Set<String>) throws {
  try checkRouter(stage, known)
  for tensor in stage.takes.values.sorted() {
    try requireConsistent(
      known.contains(tensor), tensorFault(.bundleTensorUnknown, stage, tensor),
      "stage \(stage.name) takes the tensor \(tensor), which no stage before it gives")
  }
  var given = Set<String>()
  for tensor in stage.gives.values.sorted() {
    try requireConsistent(
      given.insert(tensor).inserted && !known.contains(tensor), tensorFault(.bundleTensorGivenTwice, stage, tensor),
      "stage \(stage.name) gives the tensor \(tensor), which is given already")
  }
  let both = stage.takes.keys.filter { stage.gives[$0] != nil }
  try requireConsistent(
    both.isEmpty, "graphs of stage \(stage.name) take and give \(brief(both.sorted())) under one name")
}

private func checkRouter(_ stage: Stage, _ known: Set<String>) throws {
  let hasRouter = stage.rule.flatMap(Choices.router(of:)) != nil
  try requireConsistent(
    (stage.router != nil) == hasRouter,
    "stage \(stage.name) has \(hasRouter ? "a rule that takes logits, and no router" : "a router, and no rule that takes logits")"
  )
  guard let router = stage.router else { return }
  try requireConsistent(
    known.contains(router) && router != imageTensor, tensorFault(.bundleTensorUnknown, stage, router),
    "stage \(stage.name) is routed by the tensor \(router), which no stage before it gives")
}

private func tensorFault(_ code: ErrorCode, _ stage: Stage, _ tensor: String) -> Fault {
  Fault(code, ["stage": .text(stage.name), "tensor": .text(tensor)])
}
