/// The class, how likely it is, and by which expert.
public struct AnswerCard: Sendable, Hashable {
  /// The class; empty where there is no answer.
  public let label: String

  /// How likely it is.
  public let probability: String?

  /// By which experts and in what time, or what is waited for.
  public let more: String?

  /// The answer, said; nil where there is none.
  public let spoken: String?
}

extension TryModel {
  /// The answer, or what is waited for.
  ///
  /// Say ``AnswerCard/spoken`` when ``AnswerCard/label`` changes, and not before: a camera's frames of one and the same
  /// thing are one answer.
  public var answer: AnswerCard {
    guard let explanation else {
      return AnswerCard(label: "", probability: nil, more: error == nil ? waiting : nil, spoken: nil)
    }
    guard let best = explanation.top.first else {
      let label = TryPhrase.answerNoClass.text
      return AnswerCard(label: label, probability: nil, more: TryPhrase.answerNoClassMore.text, spoken: label)
    }
    let experts = words.way(explanation.stages.map(\.route.experts))
    let share = words.percent(best.share)
    return AnswerCard(
      label: best.label, probability: share,
      more: TryPhrase.answerBy.with(experts, words.duration(explanation.total)),
      spoken: TryPhrase.answerSpoken.with(best.label, share, experts))
  }

  private var waiting: String {
    if isAnswering { return TryPhrase.answering.text }
    switch source {
    case .draw: return TryPhrase.answerWaitingDraw.text
    case .photo: return TryPhrase.answerWaitingPhoto.text
    case .camera: return frame == nil ? TryPhrase.cameraWaiting.text : TryPhrase.answerWaitingCamera.text
    }
  }
}
