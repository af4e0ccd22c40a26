/// A bar of what the prediction's time was needed for, and the numbers.
public struct TimesCard: Sendable, Hashable {
  /// A part of the time.
  public struct Part: Sendable, Hashable, Identifiable {
    /// What was done, which has a colour of its own.
    public let work: Work

    /// For people.
    public let name: String

    /// How long it took.
    public let time: String

    /// Of the whole, from 0 to 1.
    public let share: Double

    public var id: Work { work }
  }

  /// All of it.
  public let total: String

  /// In the order in which they came; their shares add up to 1.
  public let parts: [Part]

  /// All of it, said.
  public let spoken: String
}

extension TryModel {
  /// Where the time went; nil where there is no answer.
  public var times: TimesCard? {
    guard let explanation else { return nil }
    let all = explanation.parts.reduce(0) { $0 + $1.duration.inSeconds }
    let parts = explanation.parts.map { part in
      TimesCard.Part(
        work: part.work, name: part.work.title, time: words.duration(part.duration),
        share: all > 0 ? part.duration.inSeconds / all : 0)
    }
    let total = words.duration(explanation.total)
    let spoken = parts.map { TryPhrase.timePartSpoken.with($0.name, $0.time) }.joined(separator: ", ")
    return TimesCard(total: total, parts: parts, spoken: TryPhrase.timeSpoken.with(total, spoken))
  }
}

extension Work {
  /// For people.
  public var title: String {
    switch self {
    case .preprocess: TryPhrase.workPreprocess.text
    case .stem: TryPhrase.workStem.text
    case .select: TryPhrase.workSelect.text
    case .load: TryPhrase.workLoad.text
    case .expert: TryPhrase.workExpert.text
    case .rest: TryPhrase.workRest.text
    }
  }
}
