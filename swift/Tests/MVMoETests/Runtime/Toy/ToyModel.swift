import Foundation

@testable import MVMoE

/// A model that a test computes itself, as a bundle of any strategy, and the engine that runs it.
///
/// An image is the logits of all stages, and then a number x. The stem gives `state` = x; expert e of stage s (both from 0) adds
/// its gate times (1 + e + 10 s) * (state + 1). The output `answer` `[1]` is the state of the last stage that ran, `scores` `[3]`
/// are x, 2 x and -x.
struct ToyModel: Sendable, CustomStringConvertible {
  /// Of its target.
  let strategy: String

  /// The rule of each routed stage, as a manifest has it; stages without `otherwise` of the rule `given` have no router.
  let rules: [TestJSON]

  /// The routes of each stage that finish an image.
  let finishes: [[[Int]]]

  /// Of the graphs.
  let batch: Int

  /// Of the tensor that stages pass on: `float32`, or `float16`, which holds 64 times the number as an integer.
  let stateType: String

  /// Of the experts that a `gather` graph takes.
  let indexType: String
  let routersInGraph: Bool

  init(
    _ strategy: String, rules: [TestJSON] = [["type": "top_k", "experts": 3, "k": 2]], finishes: [[[Int]]]? = nil,
    batch: Int = 1, stateType: String = "float32", indexType: String = "int64", routersInGraph: Bool = false
  ) {
    self.strategy = strategy
    self.rules = rules
    self.finishes = finishes ?? rules.map { _ in [] }
    self.batch = batch
    self.stateType = stateType
    self.indexType = indexType
    self.routersInGraph = routersInGraph
  }

  /// The number of experts of each routed stage.
  var experts: [Int] { rules.map { $0["experts"].integer ?? 0 } }

  var width: Int { experts.reduce(1, +) }

  var description: String {
    "\(strategy), batch \(batch), \(indexType)\(routersInGraph ? ", routers in the graph" : "")"
  }

  func weight(_ stage: Int, _ expert: Int) -> Float { Float(1 + expert + 10 * stage) }

  /// An image with logits of each stage, and its number.
  func image(_ x: Float, _ logits: [Float]...) -> [Float] { logits.flatMap(\.self) + [x] }

  /// The answer for an image by routes and gates.
  func answer(_ x: Float, routes: [[Int]], gates: [[Float]]) -> Float {
    var state = x
    for (stage, route) in routes.enumerated() {
      let added = route.indices.map { Double(gates[stage][$0] * weight(stage, route[$0]) * (state + 1)) }
      state += Float(added.reduce(0, +))
    }
    return state
  }

  /// The logits of a stage in an image.
  func logits(_ image: [Float], _ stage: Int) -> [Float] {
    Array(image.dropFirst(experts.prefix(stage).reduce(0, +)).prefix(experts[stage]))
  }

  func hasRouter(_ stage: Int) -> Bool { rules[stage]["type"].text != "given" || rules[stage]["otherwise"] != .null }

  /// The two best of some logits, in ascending order; of several that are equal the first ones.
  static func top(_ logits: [Float], _ count: Int = 2) -> [Int] {
    logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }.prefix(count).sorted()
  }

  /// The softmax of some logits.
  static func softmax(_ logits: [Float]) -> [Float] {
    let highest = Double(logits.max() ?? 0)
    let powers = logits.map { exp(Double($0) - highest) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
  }

  /// The routes of the two best experts of each stage, and their gates.
  func ways(_ image: [Float]) -> (routes: [[Int]], gates: [[Float]]) {
    let routes = experts.indices.map { Self.top(logits(image, $0)) }
    let gates = routes.indices.map { stage in
      let row = Self.softmax(logits(image, stage))
      return routes[stage].map { row[$0] }
    }
    return (routes, gates)
  }
}
