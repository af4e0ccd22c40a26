import Foundation

@testable import MVMoE

/// *Routing* once more, written from the page, with a method for each step of it, so that ``WrongReaders`` can get one wrong.
///
/// It has nothing in common with the rules of the library.
class PageReader: RoutingReader {
  required init() {}

  func select(_ rule: JSONValue, _ logits: [Float]) throws -> RoutingAnswer { try answer(PageRule(rule), [:], logits) }

  func choose(_ rule: JSONValue, _ choices: [String: String], _ logits: [Float]) throws -> RoutingAnswer {
    try answer(PageRule(rule), choices, logits)
  }

  func inTurn(_ rule: JSONValue, image: Int, _ logits: [Float]) throws -> RoutingAnswer {
    let page = try PageRule(rule)
    let turns = turns(page)
    return try answer(page, turns[image % turns.count].map { [page.choice: $0] } ?? [:], logits)
  }

  func gates(_ rule: JSONValue, of route: [Int], _ logits: [Float]) throws -> [Double] {
    let page = try PageRule(rule)
    try requireRule(page)
    try requireLogits(page, logits)
    try requireRoute(page, route)
    return gates(page, of: route, logits)
  }

  private func answer(_ rule: PageRule, _ choices: [String: String], _ logits: [Float]) throws -> RoutingAnswer {
    try requireRule(rule)
    if let name = try chosen(rule, choices) { return try named(rule, name, logits) }
    guard rule.isGiven else { return try routed(rule, logits) }
    guard let otherwise = rule.otherwise else { throw Refused(code: "routing.choice-missing") }
    return try routed(otherwise, logits)
  }

  func turns(_ rule: PageRule) -> [String?] {
    rule.routes.map(\.name).sorted() + (rule.otherwise == nil ? [] : [nil])
  }

  /// The name that counts; nil where nothing was chosen.
  func chosen(_ rule: PageRule, _ choices: [String: String]) throws -> String? {
    if choices.keys.contains(where: { !rule.isGiven || $0 != rule.choice }) {
      throw Refused(code: "routing.no-such-choice")
    }
    guard let name = choices[rule.choice] else { return nil }
    if rule.route(name) == nil { throw Refused(code: "routing.choice-unknown") }
    return name
  }

  func named(_ rule: PageRule, _ name: String, _ logits: [Float]) throws -> RoutingAnswer {
    guard let route = rule.route(name) else { throw Refused(code: "a name that was not checked") }
    try requireLogits(rule, logits)
    return RoutingAnswer(route: route, gates: gates(rule, of: route, logits))
  }

  func routed(_ rule: PageRule, _ logits: [Float]) throws -> RoutingAnswer {
    try requireLogits(rule, logits)
    let route = inOrder(experts(rule, logits))
    return RoutingAnswer(route: route, gates: gates(rule, of: route, logits))
  }

  func experts(_ rule: PageRule, _ logits: [Float]) -> [Int] {
    switch rule.type {
    case "top_k": Array(ranked(rule, logits).prefix(rule.k))
    case "top_p": topP(rule, logits)
    default: threshold(rule, logits)
    }
  }

  func inOrder(_ route: [Int]) -> [Int] { route.sorted() }

  /// Step 2: the softmax, rounded to fp32.
  func scores(_ logits: [Float]) -> [Double] {
    let weights = weights(logits)
    let total = total(weights)
    return weights.map { Double(Float($0 / total)) }
  }

  func weights(_ logits: [Float]) -> [Double] {
    let top = Double(logits.max() ?? 0)
    return logits.map { exp(Double($0) - top) }
  }

  func total(_ weights: [Double]) -> Double { weights.reduce(0, +) }

  /// Experts that can be selected, by falling score, the lower of equals first.
  func ranked(_ rule: PageRule, _ logits: [Float]) -> [Int] { falling(scores(logits)).filter(usable(rule).contains) }

  func usable(_ rule: PageRule) -> [Int] { rule.usable }

  /// Places by falling number, the lower of equals first.
  func falling(_ numbers: [Double]) -> [Int] {
    numbers.indices.sorted { numbers[$0] > numbers[$1] || (numbers[$0] == numbers[$1] && $0 < $1) }
  }

  func topP(_ rule: PageRule, _ logits: [Float]) -> [Int] {
    let scores = scores(logits)
    let ranked = ranked(rule, logits)
    var sum = 0.0
    var length = 0
    while length < min(limit(rule), ranked.count) {
      sum = add(sum, scores[ranked[length]])
      length += 1
      if isEnough(sum, rule.p) { break }
    }
    return Array(ranked.prefix(length))
  }

  func add(_ sum: Double, _ score: Double) -> Double { sum + score }

  func isEnough(_ sum: Double, _ p: Double) -> Bool { sum > p }

  func limit(_ rule: PageRule) -> Int { rule.kMax }

  private func threshold(_ rule: PageRule, _ logits: [Float]) -> [Int] {
    let above = usable(rule).filter { isAbove(logits[$0], rule.thresholds[$0]) }
    return above.isEmpty ? [fallback(rule, logits)] : above
  }

  func isAbove(_ logit: Float, _ threshold: Double) -> Bool { logit > Float(threshold) }

  func fallback(_ rule: PageRule, _ logits: [Float]) -> Int { highest(of: usable(rule), logits.map(Double.init)) }

  /// The one of some experts with the highest number, of equals the first.
  func highest(of experts: [Int], _ numbers: [Double]) -> Int { falling(numbers).first(where: experts.contains) ?? 0 }

  /// Step 4.
  func gates(_ rule: PageRule, of route: [Int], _ logits: [Float]) -> [Double] {
    if rule.isGiven { return rule.otherwise.map { gates($0, of: route, logits) } ?? route.map { _ in 1 } }
    if rule.type == "threshold" { return gatesOfThreshold(route, logits) }
    if rule.unitGates { return route.map { _ in 1 } }
    return rule.renormalize ? renormalized(route, logits) : plain(route, logits)
  }

  /// The scores of a route's experts.
  func plain(_ route: [Int], _ logits: [Float]) -> [Double] {
    let scores = scores(logits)
    return route.map { scores[$0] }
  }

  func gatesOfThreshold(_ route: [Int], _ logits: [Float]) -> [Double] {
    route.map { _ in Double(Float(1 / Double(route.count))) }
  }

  func renormalized(_ route: [Int], _ logits: [Float]) -> [Double] { scores(route.map { logits[$0] }) }

  func requireLogits(_ rule: PageRule, _ logits: [Float]) throws {
    if rule.isGiven && rule.otherwise == nil { return }
    if logits.count != rule.experts { throw Refused(code: "routing.logits-shape") }
    if !logits.allSatisfy(\.isFinite) { throw Refused(code: "routing.not-finite") }
  }

  func requireRoute(_ rule: PageRule, _ route: [Int]) throws {
    if !isRoute(rule, route) { throw Refused(code: "routing.unknown-route") }
  }

  private func isRoute(_ rule: PageRule, _ route: [Int]) -> Bool {
    if rule.isGiven {
      return rule.routes.contains { $0.route == route } || rule.otherwise.map { isRoute($0, route) } ?? false
    }
    let least = rule.type == "top_k" ? rule.k : 1
    return areSome(route, of: rule.experts) && route.allSatisfy(rule.usable.contains) && route.count >= least
      && route.count <= rule.longest
  }

  func requireRule(_ rule: PageRule) throws {
    if !isRule(rule) { throw Refused(code: "routing.rule-invalid") }
  }

  private func isRule(_ rule: PageRule) -> Bool {
    guard (1...4096).contains(rule.experts), keepsSome(rule) else { return false }
    return switch rule.type {
    case "top_k": (1...rule.experts).contains(rule.k) && !(rule.renormalize && rule.unitGates)
    case "top_p": rule.p >= 0 && rule.p < 1 && (1...rule.experts).contains(rule.kMax)
    case "threshold": rule.thresholds.count == rule.experts && rule.thresholds.allSatisfy { abs($0) <= 3e38 }
    default: isGivenRule(rule)
    }
  }

  private func keepsSome(_ rule: PageRule) -> Bool {
    guard let kept = rule.kept else { return true }
    return areSome(kept, of: rule.experts) && kept.count >= (rule.type == "top_k" ? rule.k : 1)
      && kept.count < rule.experts
  }

  private func isGivenRule(_ rule: PageRule) -> Bool {
    let fits = rule.otherwise.map { !$0.isGiven && $0.experts == rule.experts && isRule($0) } ?? true
    let names = rule.routes.allSatisfy { isText($0.name, "[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}") }
    let choice = isText(rule.choice, "[a-z][a-z0-9_]{0,63}")
    return fits && names && choice && !rule.routes.isEmpty
      && rule.routes.allSatisfy { areSome($0.route, of: rule.experts) }
  }

  private func isText(_ text: String, _ pattern: String) -> Bool {
    text.range(of: "^(?:\(pattern))$", options: .regularExpression) == text.startIndex..<text.endIndex
  }

  func areSome(_ route: [Int], of experts: Int) -> Bool {
    !route.isEmpty && route.allSatisfy { (0..<experts).contains($0) } && zip(route, route.dropFirst()).allSatisfy(<)
  }
}
