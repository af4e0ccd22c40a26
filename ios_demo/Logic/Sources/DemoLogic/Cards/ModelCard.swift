/// Which bundle is open.
public struct ModelCard: Sendable, Hashable {
  /// The model's name.
  public let title: String

  /// Its target and engine, or how far it is with opening.
  public let subtitle: String

  /// Whether something is being opened.
  public let isOpening: Bool

  /// Why the last bundle was refused.
  public let error: String?

  /// What to know of how it runs, and of what slows it down.
  public let notices: [String]
}

extension ModelStore {
  /// Which bundle is open.
  public var card: ModelCard {
    ModelCard(
      title: model?.name ?? AppPhrase.appName.text, subtitle: subtitle, isOpening: isOpening && waiting == nil,
      error: error,
      notices: (waiting.map { [$0] } ?? []) + (model?.routed.notes ?? []) + conditions.notices)
  }

  private var subtitle: String {
    if let model { return AppPhrase.modelSubtitle.with(model.routed.target.name, model.routed.engineName) }
    return (isOpening ? AppPhrase.opening : .noModel).text
  }
}
