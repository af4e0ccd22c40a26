/// Step 1 of *Routing*: refuses another number of logits than `experts`, and those that are not finite.
func requireLogits(_ logits: UnsafeBufferPointer<Float>, experts: Int) throws {
  guard logits.count == experts else { throw wrongShape(found: logits.count, experts: experts) }
  guard let expert = logits.firstIndex(where: { !$0.isFinite }) else { return }
  throw notFinite(logits[expert], expert: expert)
}

private func wrongShape(found: Int, experts: Int) -> MVMoEError {
  MVMoEError(
    .routingLogitsShape,
    "the router gave \(found) logits for an image, but its rule expects \(experts); export the bundle again",
    fields: ["found": [.integer(found)]])
}

private func notFinite(_ logit: Float, expert: Int) -> MVMoEError {
  MVMoEError(
    .routingNotFinite,
    "the router gave a logit that is not finite (\(logit) for expert \(expert)); check the image and the weights of the "
      + "model",
    fields: ["expert": .integer(expert)])
}
