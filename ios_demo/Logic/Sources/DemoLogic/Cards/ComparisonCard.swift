/// What the same image costs where every expert is computed.
public struct ComparisonCard: Sendable, Hashable {
  /// The two, the route first; empty where there is nothing to compare with.
  public let rows: [BarRow]

  /// What comes of it, or why there is nothing.
  public let sentence: String
}

extension TryModel {
  /// The same image through all experts; nil where there is no answer, or nothing to say.
  public var comparison: ComparisonCard? {
    guard let explanation else { return nil }
    if let comparison = explanation.comparison { return card(comparison) }
    let frames = source == .camera ? TryPhrase.compareFrames.text : nil
    return (store.model?.withoutAllExperts ?? frames).map { ComparisonCard(rows: [], sentence: $0) }
  }

  private func card(_ comparison: Comparison) -> ComparisonCard {
    let times = words.figure(comparison.allExperts.inSeconds / max(comparison.routed.inSeconds, 1e-9))
    let verdict =
      comparison.isSameAnswer
      ? TryPhrase.compareSame.with(times) : TryPhrase.compareOther.with(times, comparison.top?.label ?? "")
    let longest = max(comparison.routed, comparison.allExperts).inSeconds
    return ComparisonCard(
      rows: [
        row(0, .compareRouted, comparison.routed, longest, isChosen: true),
        row(1, .compareAll, comparison.allExperts, longest, isChosen: false),
      ],
      sentence: verdict + " " + TryPhrase.compareRuns.with(words.count(comparison.runs)))
  }

  private func row(_ id: Int, _ name: TryPhrase, _ time: Duration, _ longest: Double, isChosen: Bool) -> BarRow {
    BarRow(
      id: id, name: name.text, value: words.duration(time), share: longest > 0 ? time.inSeconds / longest : 0,
      isChosen: isChosen, spoken: TryPhrase.compareSpoken.with(name.text, words.duration(time)))
  }
}
