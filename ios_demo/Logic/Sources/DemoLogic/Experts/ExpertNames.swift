import MVMoE

/// What people call experts and how they are.
struct ExpertNames: Sendable {
  /// Whether there are several routed stages, so that a number alone would not tell them apart.
  private let hasStages: Bool

  init(_ experts: [Expert]) { hasStages = Set(experts.map(\.stage)).count > 1 }

  func name(of expert: Expert) -> String {
    let name = name(of: expert.route)
    return hasStages ? ExpertsPhrase.expertOfStage.with(name, expert.stage) : name
  }

  func list(_ experts: [Expert]) -> String {
    experts.isEmpty ? ExpertsPhrase.nothing.text : experts.map(name).joined(separator: ", ")
  }

  /// `3`, or `0+2`.
  static func numbers(of route: Route) -> String { route.map(String.init).joined(separator: "+") }

  static func state(_ state: LoadState) -> String {
    switch state {
    case .unloaded: ExpertsPhrase.expertStateUnloaded.text
    case .loading: ExpertsPhrase.expertStateLoading.text
    case .ready: ExpertsPhrase.expertStateReady.text
    case .failed: ExpertsPhrase.expertStateFailed.text
    case .mapped: ExpertsPhrase.expertStateMapped.text
    }
  }

  private func name(of route: Route) -> String {
    switch route.count {
    case 0: ExpertsPhrase.expertNone.text
    case 1: ExpertsPhrase.expertName.with(Self.numbers(of: route))
    default: ExpertsPhrase.expertsName.with(Self.numbers(of: route))
    }
  }
}
