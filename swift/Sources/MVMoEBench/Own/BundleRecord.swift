import MVMoE

/// What a report says of a bundle without having it; of its targets those parts of `mvmoe inspect --json` that reports read.
struct BundleRecord {
  let name: String
  let bundle: ModelBundle

  var plain: PlainData {
    let manifest = bundle.manifest
    return [
      "name": .text(name),
      "sha256": .text(bundle.manifestSHA256),
      "model": .text(manifest.model.name),
      "family": .text(manifest.model.family),
      "params_total": .integer(manifest.model.paramsTotal),
      "params_active": .integer(manifest.model.paramsActive),
      "macs": .integer(manifest.model.macs),
      "experts": .integers(manifest.rules.map(\.experts)),
      "labels": .optional(manifest.classOutput?.labels, PlainData.texts),
      "usage_prior": .optional(manifest.usagePrior) { .list($0.map { .list($0.map(\.plain)) }) },
      "targets": .object(manifest.targets.map { ($0.name, $0.plain) }),
    ]
  }
}

extension RouteShare {
  fileprivate var plain: PlainData { ["route": .integers(route.experts), "share": .number(share)] }
}

extension Target {
  fileprivate var plain: PlainData {
    [
      "format": .text(format),
      "options": .named(options.mapValues(\.plain)),
      "rewrites": .texts(rewrites),
      "strategy": .text(strategy),
      "routers": routersInGraph ? "in-graph" : "host",
      "precision": .text(precision),
      "batch": .integer(batch),
      "graphs": .list(
        graphs.map {
          [
            "name": .text($0.name), "stage": .integer($0.stage),
            "route": .optional($0.route?.experts, PlainData.integers),
          ]
        }),
      "bytes": .integer(files.reduce(0) { $0 + $1.bytes }),
      "sizes": .optional(sizes, \.plain),
      "parity": .optional(parity, \.plain),
    ]
  }
}

extension OptionValue {
  fileprivate var plain: PlainData {
    switch self {
    case .text(let value): .text(value)
    case .integer(let value): .integer(value)
    // JSON has no infinite number.
    case .number(let value): value.isFinite ? .number(value) : .text(value.description)
    case .boolean(let value): .boolean(value)
    case .none: .null
    }
  }
}

extension Sizes {
  fileprivate var plain: PlainData {
    [
      "distinct": .integer(distinctBytes), "shared": .integer(sharedBytes),
      "experts": .list(expertBytes.map(PlainData.integers)),
    ]
  }
}

extension Parity {
  fileprivate var plain: PlainData {
    [
      "graphs": .integer(graphs), "max_abs_error": .number(maxAbsError), "tolerance": .number(tolerance),
      "verification": .optional(verification, \.plain),
    ]
  }
}

extension Verification {
  fileprivate var plain: PlainData {
    [
      "images": .integer(images),
      "routing_agreement": .number(routingAgreement),
      "router_error": .number(routerError),
      "router_error_bound": .number(routerErrorBound),
      "answer_error": .number(answerError),
      "answer_error_bound": .number(answerErrorBound),
      "outputs": .named(outputs.mapValues(\.plain)),
      "near_ties": .integer(nearTies),
      "forced_routes": .integer(forcedRoutes),
    ]
  }
}

extension VerifiedOutput {
  fileprivate var plain: PlainData {
    [
      "kind": .text(kind), "measure": .optional(measure), "agreement": .optional(agreement),
      "max_abs_error": .number(maxAbsError), "max_rel_error": .number(maxRelError), "rms_error": .number(rmsError),
      "psnr_db": .optional(psnrDb),
    ]
  }
}
