@testable import MVMoE

/// A rule as the page says it: plain data with defaults.
struct PageRule {
  let type: String
  let experts: Int
  let k: Int
  let kMax: Int
  let p: Double
  let renormalize: Bool
  let unitGates: Bool
  let thresholds: [Double]
  let kept: [Int]?
  let choice: String

  /// In the order of the table.
  let routes: [(name: String, route: [Int])]

  /// None or one: a value cannot hold another of its own type.
  private let inner: [PageRule]

  init(_ data: JSONValue) throws {
    type = try data["type"].text()
    experts = try data.member("experts")?.int() ?? 0
    k = try data.member("k")?.int() ?? 1
    kMax = try data.member("k_max")?.int() ?? 0
    p = try data.member("p")?.double() ?? 0
    renormalize = try data.member("renormalize")?.boolean() ?? false
    unitGates = try data.member("unit_gates")?.boolean() ?? false
    thresholds = try data.member("thresholds")?.items().map { try $0.double() } ?? []
    kept = try data.member("kept").flatMap { $0.isNull ? nil : try $0.ints() }
    choice = try data.member("choice")?.text() ?? "route"
    routes = try data.member("routes")?.members().map { ($0.key, try $0.value.ints()) } ?? []
    let otherwise = try data.member("otherwise").flatMap { $0.isNull ? nil : $0 }
    inner = try otherwise.map { [try PageRule($0)] } ?? []
  }

  var otherwise: PageRule? { inner.first }

  var isGiven: Bool { type == "given" }

  /// The route of a name; nil where there is none.
  func route(_ name: String) -> [Int]? { routes.first { $0.name == name }?.route }

  /// The experts that a rule of a router can select.
  var usable: [Int] { kept ?? Array(0..<experts) }

  /// The most experts of a route.
  var longest: Int {
    switch type {
    case "top_k": k
    case "threshold": usable.count
    case "given": (routes.map(\.route.count) + [otherwise?.longest ?? 0]).max() ?? 0
    default:
      kept.map { min(kMax, $0.count) }
        ?? min(kMax, experts, Int((p * Double(experts) * (1 + 1.0 / 4_194_304)).rounded(.down)) + 1)
    }
  }
}
