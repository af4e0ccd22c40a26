@testable import MVMoE

/// Rules of few experts, of every kind, and logits for them; the same ones for one seed.
struct RandomRules {
  private static let nearly = 1 - 1e-9
  private static let sizes = [1e-6, 1, 30, 300]
  private static let levels: [Float] = [-2, 0, 0.5, 1]

  private var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func rule() throws -> any Rule {
    let router = try router(of: Int.random(in: 1...8, using: &random))
    return Int.random(in: 0..<4, using: &random) > 0 ? router : try given(router)
  }

  /// Logits that are near to each other, equal, far apart, or so far that scores underflow.
  mutating func logits(_ experts: Int) -> [Float] {
    let size = pick(Self.sizes)
    return (0..<experts).map { _ in
      if Int.random(in: 0..<3, using: &random) == 0 { return pick(Self.levels) }
      return Float(Double.random(in: -size..<size, using: &random))
    }
  }

  /// Other logits, each of which differs by less than `bound`.
  mutating func near(_ logits: [Float], _ bound: Double) -> [Float] {
    logits.map { logit in
      // As far as can be to one side is what turns a route first.
      let part =
        Bool.random(using: &random) ? Double.random(in: -1..<1, using: &random) : pick([-Self.nearly, Self.nearly])
      let changed = Float(Double(logit) + bound * part)
      return abs(Double(changed) - Double(logit)) < bound ? changed : logit
    }
  }

  private mutating func router(of experts: Int) throws -> any RouterRule {
    switch Int.random(in: 0..<3, using: &random) {
    case 0: try topK(experts)
    case 1: try topP(experts)
    default: try Threshold(experts: experts, thresholds: thresholds(experts), kept: kept(of: experts, fewest: 1))
    }
  }

  private mutating func topK(_ experts: Int) throws -> TopK {
    let gates = Int.random(in: 0..<3, using: &random)
    let k = Int.random(in: 1...experts, using: &random)
    let kept = kept(of: experts, fewest: k)
    return try TopK(experts: experts, k: k, renormalize: gates == 1, unitGates: gates == 2, kept: kept)
  }

  /// Some of the experts, as many as a route has at least; nil for all, as often as not.
  private mutating func kept(of experts: Int, fewest: Int) -> [Int]? {
    if fewest >= experts || Bool.random(using: &random) { return nil }
    let count = Int.random(in: fewest..<experts, using: &random)
    return (0..<experts).shuffled(using: &random).prefix(count).sorted()
  }

  private mutating func topP(_ experts: Int) throws -> TopP {
    let p = pick([0, 0.25, 0.5, Double.random(in: 0..<1, using: &random)])
    let kMax = Int.random(in: 1...experts, using: &random)
    let kept = kept(of: experts, fewest: 1)
    return try TopP(experts: experts, p: p, kMax: kMax, renormalize: Bool.random(using: &random), kept: kept)
  }

  private mutating func thresholds(_ experts: Int) -> [Double] {
    (0..<experts).map { _ in
      Bool.random(using: &random) ? 0.5 : Double.random(in: -30..<30, using: &random)
    }
  }

  private mutating func given(_ router: any RouterRule) throws -> Given {
    var named: [String: Route] = [:]
    for name in ["b", "a", "c_9"].prefix(Int.random(in: 1...3, using: &random)) {
      named[name] = some(of: router.experts)
    }
    let isRouted = Int.random(in: 0..<4, using: &random) > 0
    return try Given(experts: router.experts, named: named, choice: "task", otherwise: isRouted ? router : nil)
  }

  private mutating func some(of experts: Int) -> Route {
    let chosen = (0..<experts).filter { _ in Bool.random(using: &random) }
    return Route(chosen.isEmpty ? [Int.random(in: 0..<experts, using: &random)] : chosen)
  }

  private mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: values.indices, using: &random)]
  }
}
