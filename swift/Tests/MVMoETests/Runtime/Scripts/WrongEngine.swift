import Foundation

@testable import MVMoE

/// An engine that loads graphs of the suite's in a wrong way, so that the dispatcher over it is wrong.
struct WrongEngine: Engine {
  typealias Load = @Sendable (_ right: any Runner, _ graph: Graph, _ kept: Guarded<[String: any LoadedGraph]>)
    async throws
    -> any LoadedGraph

  let right: ScriptedEngine
  let load: Load

  var format: String { right.format }

  func open(root: URL, target: Target) async throws -> any Runner {
    WrongRunner(try await right.open(root: root, target: target), load)
  }
}

private final class WrongRunner: Runner {
  let engineName = "a wrong engine"
  let provider = "none"
  private let right: any Runner
  private let load: WrongEngine.Load
  private let kept = Guarded<[String: any LoadedGraph]>([:])

  init(_ right: any Runner, _ load: @escaping WrongEngine.Load) {
    self.right = right
    self.load = load
  }

  func load(_ graph: Graph) async throws -> any LoadedGraph { try await load(right, graph, kept) }
}
