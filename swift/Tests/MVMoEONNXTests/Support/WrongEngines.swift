import Foundation
import Testing

@testable import MVMoE

/// Engines that are wrong as the dispatchers in `tests/support/wrong_answers.py` are, each with the bundles that must show it.
enum WrongEngines {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bundles: [String]
    let wrong: @Sendable () -> any Wrong

    init(_ description: String, _ bundles: [String], _ wrong: @escaping @Sendable () -> any Wrong) {
      testDescription = description
      self.bundles = bundles
      self.wrong = wrong
    }
  }

  private static let routed = ["dispatch", "experts", "bind", "two_stages"]
  private static let ofTwo = ["experts", "bind", "two_stages"]

  static let cases: [Case] = [
    Case("gates of 1", routed) { GatesAre { $0.map { _ in 1 } } },
    Case("gates in the other order", ofTwo) { GatesAre { $0.reversed() } },
    Case("the graph of the next route", ["dispatch", "experts", "two_stages"]) { NextRoute() },
    Case("slots in the other order", ["experts"]) { SlotsAre { 1 - $0 } },
    Case("the first expert in every slot", ["experts"]) { SlotsAre { _ in 0 } },
    Case("weights in the other order", ["bind"]) { WeightsOfPlaces { 1 - $0 } },
    Case("weights of the experts after which the graph is named", ["bind"]) { WeightsOfTheFirstExperts() },
    Case("weights of the route before", ["bind"]) { WeightsOfTheRouteBefore() },
    Case("the image of the call before", routed) { ImageOfTheCallBefore() },
    Case("logits with the other sign", routed) { LowestExperts() },
    Case("steering that is left over", ["in_graph"]) { SteeringLeftOver() },
    Case("routers in the other order", ["in_graph"]) { RoutersInTheOtherOrder() },
  ]
}

/// Nothing is wrong.
struct NothingWrong: Wrong {}

private struct GatesAre: Wrong {
  let wrong: @Sendable ([Float]) -> [Float]

  func before(_ inputs: Tensors) {
    guard let gates = inputs["gates"] else { return }
    gates.put(wrong(gates.numbers))
  }
}

private struct NextRoute: Wrong {
  func graph(_ right: Graph, target: Target) -> Graph {
    let alike = target.graphs.filter { $0.stage == right.stage && ($0.route == nil) == (right.route == nil) }
    guard let place = alike.firstIndex(where: { $0.name == right.name }) else { return right }
    return alike[(place + 1) % alike.count]
  }
}

private struct SlotsAre: Wrong {
  let wrong: @Sendable (Int) -> Int

  func inputs(_ bundle: OpenedBundle, _ graph: Graph, _ right: Tensors) throws -> Tensors {
    try Dictionary(uniqueKeysWithValues: right.map { name, tensor in (name, try other(name, right) ?? tensor) })
  }

  /// What a slot is given instead; nil for what is no slot.
  private func other(_ name: String, _ right: Tensors) throws -> Tensor? {
    guard let slot = slotOf(name) else { return nil }
    return try #require(right["slot\(wrong(slot))\(name.dropFirst("slot\(slot)".count))"])
  }
}

private struct WeightsOfPlaces: Wrong {
  let wrong: @Sendable (Int) -> Int

  func inputs(_ bundle: OpenedBundle, _ graph: Graph, _ right: Tensors) throws -> Tensors {
    var given = right
    for (name, bound) in graph.bound {
      let other = graph.bound.first { $0.value.place == wrong(bound.place) && $0.value.tensor == bound.tensor }
      given[name] = try #require(other.flatMap { right[$0.key] })
    }
    return given
  }
}

private struct WeightsOfTheFirstExperts: Wrong {
  func inputs(_ bundle: OpenedBundle, _ graph: Graph, _ right: Tensors) throws -> Tensors {
    var given = right
    for (name, bound) in graph.bound {
      let weights = bundle.target.experts[graph.stage - 1][bound.place]
      given[name] = try tensor(#require(weights.tensors[bound.tensor]), bundle)
    }
    return given
  }

  private func tensor(_ stored: StoredTensor, _ bundle: OpenedBundle) throws -> Tensor {
    let file = try Data(contentsOf: bundle.root.appending(path: #require(bundle.target.weights)))
    let tensor = Tensor(dtype: stored.dtype, shape: stored.shape)
    tensor.bytes.copyBytes(from: file[stored.offset..<(stored.offset + tensor.bytes.count)])
    return tensor
  }
}

/// It is `@unchecked Sendable` because its test makes one call at a time.
private final class WeightsOfTheRouteBefore: Wrong, @unchecked Sendable {
  private var kept: Tensors?

  func inputs(_ bundle: OpenedBundle, _ graph: Graph, _ right: Tensors) throws -> Tensors {
    guard !graph.bound.isEmpty else { return right }
    let before = kept ?? right.filter { graph.bound[$0.key] != nil }
    kept = before
    return right.merging(before) { $1 }
  }
}

/// It is `@unchecked Sendable` because its test makes one call at a time.
private final class ImageOfTheCallBefore: Wrong, @unchecked Sendable {
  private var before: [Float]?

  func before(_ inputs: Tensors) {
    guard let image = inputs["image"] else { return }
    let now = image.numbers
    image.put(before ?? now.map { _ in 0 })
    before = now
  }
}

private struct LowestExperts: Wrong {
  func after(_ outputs: Tensors) {
    guard let logits = outputs["logits"] else { return }
    logits.put(logits.numbers.map { -$0 })
  }
}

private struct SteeringLeftOver: Wrong {
  func before(_ inputs: Tensors) {
    guard let steering = inputs["steering"] else { return }
    steering.put(steering.numbers.indices.map(Float.init))
  }
}

private struct RoutersInTheOtherOrder: Wrong {
  func after(_ outputs: Tensors) {
    guard let logits = outputs["router_logits"] else { return }
    let right = logits.numbers
    logits.put(right.indices.map { right[($0 + right.count / 2) % right.count] })
  }
}
