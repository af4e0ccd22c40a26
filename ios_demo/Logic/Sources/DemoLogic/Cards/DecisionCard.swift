/// What a router wanted: a bar for each expert, those that were chosen marked.
public struct DecisionCard: Sendable, Hashable, Identifiable {
  /// The number of the router.
  public let id: Int

  /// The rule, and the experts that the image took.
  public let rule: String

  /// Experts with their scores.
  public let experts: [BarRow]

  /// How many experts are not shown, and when the route would be another.
  public let more: String?
}

extension TryModel {
  private static let mostExperts = 10

  /// A card for each router, or one that says that there is none; empty where there is no answer.
  public var decisions: [DecisionCard] {
    guard let explanation else { return [] }
    if explanation.stages.isEmpty {
      return [DecisionCard(id: 0, rule: TryPhrase.whyNoRouter.text, experts: [], more: nil)]
    }
    let isOneOfSeveral = explanation.stages.count > 1
    return explanation.stages.enumerated().map { card($0, $1, isOneOfSeveral) }
  }

  private func card(_ number: Int, _ decision: RouterDecision, _ isOneOfSeveral: Bool) -> DecisionCard {
    let shown = decision.shown(Self.mostExperts)
    return DecisionCard(
      id: number, rule: rule(decision, isOneOfSeveral), experts: shown.map(row),
      more: more(decision, hidden: decision.experts.count - shown.count))
  }

  private func rule(_ decision: RouterDecision, _ isOneOfSeveral: Bool) -> String {
    let route = words.experts(decision.route.experts)
    let sentence =
      decision.experts.isEmpty ? TryPhrase.whyGiven.with(route) : TryPhrase.whyRule.with(decision.rule, route)
    return isOneOfSeveral ? TryPhrase.whyStage.with(decision.stage, sentence) : sentence
  }

  private func more(_ decision: RouterDecision, hidden: Int) -> String? {
    let rest = hidden > 0 ? TryPhrase.whyMore.with(words.count(hidden)) : nil
    // A margin is of the largest change that any two logits make together: each may change by half of it.
    let margin = decision.margin.map { TryPhrase.whyMargin.with(words.figure($0 / 2)) }
    let all = [rest, margin].compactMap { $0 }
    return all.isEmpty ? nil : all.joined(separator: " ")
  }

  private func row(_ expert: ExpertScore) -> BarRow {
    let number = words.count(expert.expert)
    let (score, logit) = (words.percent(expert.score), words.figure(Double(expert.logit)))
    let name = expert.isChosen ? TryPhrase.scoreChosen : .scoreName
    let spoken = expert.isChosen ? TryPhrase.scoreChosenSpoken : .scoreSpoken
    return BarRow(
      id: expert.expert, name: name.with(number), value: score, share: expert.score, isChosen: expert.isChosen,
      spoken: spoken.with(number, score, logit))
  }
}
