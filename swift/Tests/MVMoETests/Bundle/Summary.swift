@testable import MVMoE

/// What a reader has read, as `read` of a valid bundle has it.
func summary(_ manifest: Manifest) -> JSONValue {
  [
    "input": input(manifest.input),
    "rules": .array(manifest.rules.map(rule)),
    "finishes": .array(manifest.stages.map { .array($0.finishes.map { .of($0.experts) }) }),
    "outputs": .array(manifest.outputs.map(output)),
    "restrictions": .array(manifest.restrictions.map(restriction)),
    "targets": .object(manifest.targets.map { ($0.name, target($0)) }),
  ]
}

private func input(_ input: InputSpec) -> JSONValue {
  [
    "height": .of(input.height),
    "width": .of(input.width),
    "channel_order": .of(input.channelOrder.rawValue),
    "resize": .of(input.resize),
    "crop_fraction": .of(input.cropFraction),
    "resize_size": .of(input.resizeSize),
    "pad_level": .of(input.padLevel),
    "pad_place": .of(input.padPlace),
    "pad_rounding": .of(input.padRounding),
    "interpolation": .of(input.interpolation),
    "mean": .of(input.mean),
    "std": .of(input.std),
  ]
}

private func restriction(_ restriction: Restriction) -> JSONValue {
  [
    "stage": .of(restriction.stage),
    "rule": rule(restriction.rule),
    "route": .of(restriction.route?.experts),
    "kept": .of(restriction.kept),
  ]
}

private func rule(_ rule: any Rule) -> JSONValue {
  var found: JSONValue = ["type": .of(rule.name), "experts": .of(rule.experts)]
  if let rule = rule as? any RouterRule { found[at: "kept"] = .of(rule.kept) }
  switch rule {
  case let rule as TopK:
    found[at: "k"] = own("k", of: rule)
    found[at: "renormalize"] = own("renormalize", of: rule)
    found[at: "unit_gates"] = own("unitGates", of: rule)
  case let rule as TopP:
    found[at: "p"] = own("p", of: rule)
    found[at: "k_max"] = .of(rule.longest)
    found[at: "renormalize"] = own("renormalize", of: rule)
  case let rule as Threshold:
    found[at: "thresholds"] = own("thresholds", of: rule)
  case let given as any CallersRule:
    found[at: "choice"] = .of(given.choice)
    found[at: "routes"] = .of(given.named) { .of($0.experts) }
    found[at: "otherwise"] = given.otherwise.map(MVMoETests.rule) ?? .null
  default:
    break
  }
  return found
}

/// What a rule keeps to itself: no program needs it but this comparison.
private func own(_ field: String, of rule: any Rule) -> JSONValue {
  switch Mirror(reflecting: rule).children.first(where: { $0.label == field })?.value {
  case let value as Int: .of(value)
  case let value as Bool: .of(value)
  case let value as Double: .of(value)
  case let values as [Float]: .of(values.map(Double.init))
  default: .string("unknown")
  }
}

private func output(_ output: OutputSpec) -> JSONValue {
  ["name": .of(output.name), "kind": .of(output.kind), "tensors": .of(output.tensors), "labels": .of(output.labels)]
}

private func target(_ target: Target) -> JSONValue {
  [
    "bounds": bounds(target.bounds),
    "compression": target.compression.map(compression) ?? .null,
    "accuracy": target.parity?.verification?.accuracy.map(accuracy) ?? .null,
    "experts": .array(target.experts.map { .array($0.map(expert)) }),
    "routers": .of(target.routersInGraph ? "in-graph" : "host"),
    "graphs": .array(target.graphs.map(graph)),
  ]
}

private func graph(_ graph: Graph) -> JSONValue {
  [
    .of(graph.stage), .of(graph.route?.experts), .of(graph.file), .of(graph.entry),
    .of(graph.bound) { ["place": .of($0.place), "tensor": .of($0.tensor)] },
  ]
}

private func bounds(_ bounds: Bounds) -> JSONValue {
  [
    "router_error": .of(bounds.routerError),
    "answer_error": .of(bounds.answerError),
    "psnr_db": .of(bounds.psnrDb),
    "agreement": .of(bounds.agreement),
    "routing_agreement": .of(bounds.routingAgreement),
    "own_error_factor": .of(bounds.ownErrorFactor),
    "conditioned_error": .of(bounds.conditionedError),
    "reason": .of(bounds.reason),
  ]
}

private func compression(_ compression: Compression) -> JSONValue {
  [
    "weights": .of(compression.weights),
    "activations": .of(compression.activations),
    "layers": .of(compression.layers),
    "left": .array(compression.left.map(left)),
    "plain_bytes": .of(compression.plainBytes),
    "smoothed": .of(compression.smoothed),
    "calibration": compression.calibration.map(calibration) ?? .null,
  ]
}

private func left(_ left: LeftLayer) -> JSONValue {
  [
    "graph": .of(left.graph), "operator": .of(left.operator), "layer": .of(left.layer), "reason": .of(left.reason),
  ]
}

private func calibration(_ calibration: Calibration) -> JSONValue {
  [
    "images": .of(calibration.images),
    "sha256": .of(calibration.sha256),
    "routed": .array(calibration.routed.map { .of($0) }),
    "forced": .array(calibration.forced.map { .of($0) }),
  ]
}

private func accuracy(_ accuracy: VerifiedAccuracy) -> JSONValue {
  [
    "images": .of(accuracy.images),
    "reference": .of(accuracy.reference),
    "target": .of(accuracy.target),
    "least_loss": .of(accuracy.leastLoss),
    "most_loss": .of(accuracy.mostLoss),
  ]
}

private func expert(_ expert: ExpertWeights) -> JSONValue {
  [
    "offset": .of(expert.offset),
    "bytes": .of(expert.bytes),
    "tensors": .of(expert.tensors) { tensor in
      ["offset": .of(tensor.offset), "shape": .of(tensor.shape), "dtype": .of(tensor.dtype.rawValue)]
    },
  ]
}
