import MVMoE

/// What can be in memory by itself: the graph of one route or, with the strategy `bind`, the weights of one expert.
public struct Expert: Sendable, Hashable, Identifiable {
  /// What tells it from the others: the graph's name, or stage and number of the expert.
  public let id: String

  /// The name of the stage that it belongs to.
  public let stage: String

  /// The experts themselves.
  public let route: Route

  /// Of weights: what a budget in bytes counts.
  public let bytes: Int

  /// Those of them that nothing else needs, which is what evicting it gives back.
  public let ownBytes: Int

  /// What keeps it in memory.
  public let pin: Pin
}

/// How a target's experts come into memory.
public enum ExpertMemory: Sendable, Hashable {
  /// Graph by graph, when an image needs them.
  case loaded

  /// Their weights are ranges of a mapped file, whose pages the system brings in.
  case mapped

  /// One graph has them all: none comes or goes.
  case together

  /// How the experts of a target come into memory.
  init(_ target: Target) {
    if !target.experts.isEmpty {
      self = .mapped
    } else {
      self = target.graphs.contains { $0.route != nil } ? .loaded : .together
    }
  }
}

extension Expert {
  /// The experts of a target that can be in memory by themselves, in the manifest's order.
  static func all(_ manifest: Manifest, _ target: Target) -> [Expert] {
    ExpertMemory(target) == .mapped ? mapped(manifest, target) : loaded(manifest, target)
  }

  private static func loaded(_ manifest: Manifest, _ target: Target) -> [Expert] {
    target.graphs.compactMap { graph in
      guard let route = graph.route else { return nil }
      return Expert(
        id: graph.name, stage: manifest.stages[graph.stage].name, route: route, bytes: graph.weightBytes,
        ownBytes: graph.exclusiveBytes, pin: .graph(graph.name))
    }
  }

  /// The first stage is the stem, which has no experts. Those that no route has cannot be pinned.
  private static func mapped(_ manifest: Manifest, _ target: Target) -> [Expert] {
    zip(manifest.stages.dropFirst(), target.experts).flatMap { stage, experts in
      let usable = Set(stage.rule?.usable ?? [])
      return experts.enumerated().filter { usable.contains($0.offset) }.map { number, weights in
        Expert(
          id: "\(stage.name)/\(number)", stage: stage.name, route: [number], bytes: weights.bytes,
          ownBytes: weights.bytes, pin: .expert(number))
      }
    }
  }
}
