import Foundation

@testable import MVMoE

typealias Tensors = [String: Tensor]

/// Something that a port of a dispatcher gets wrong between two graphs; what it leaves alone is right.
protocol Wrong: Sendable {
  /// The graph that is loaded instead of another.
  func graph(_ right: Graph, target: Target) -> Graph

  /// What the graph is given instead of these inputs.
  func inputs(_ bundle: OpenedBundle, _ graph: Graph, _ right: Tensors) throws -> Tensors

  /// Writes other numbers into the inputs before a run; the numbers that were there come back after it.
  func before(_ inputs: Tensors)

  /// Writes other numbers into what a run gave.
  func after(_ outputs: Tensors)
}

extension Wrong {
  func graph(_ right: Graph, target: Target) -> Graph { right }

  func inputs(_ bundle: OpenedBundle, _ graph: Graph, _ right: Tensors) throws -> Tensors { right }

  func before(_ inputs: Tensors) {}

  func after(_ outputs: Tensors) {}
}

/// Where a target is.
struct OpenedBundle: Sendable {
  let root: URL
  let target: Target
}
