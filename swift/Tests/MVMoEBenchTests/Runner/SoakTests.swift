#if canImport(MVMoEONNX)
  import Foundation
  import MVMoE
  import MVMoEONNX
  import Testing

  @testable import mvmoe_runner

  /// Thousands of answers, and what is left of them.
  @Suite(.timeLimit(.minutes(5))) struct SoakTests {
    private static let before = Look(
      answers: 1, seconds: 0, sessions: 2, tensors: 6, mappedFiles: 13, openFiles: 20, threads: 14, heapBytes: 5 << 20,
      anonymousBytes: 100 << 20, residentBytes: 200 << 20)

    @Test(arguments: Grown.all)
    func whatGrowsIsFoundByItsName(grown: Grown) {
      var closed = Self.before
      (closed.sessions, closed.tensors) = (0, 0)
      #expect(Leaks.of([Self.before, Self.before, closed]) == [])
      var after = Self.before
      grown.change(&after)
      let found = Leaks.of([Self.before, after, closed])
      #expect(found.count == 1)
      #expect(found.first?.hasPrefix("\(grown.what): ") == true)
      #expect(Leaks.of([Self.before, Self.before, Self.before]).count == 2)
    }

    @Test func anEngineThatForgetsToFreeGraphsIsFound() async throws {
      let engine = ONNXEngine(threads: 1)
      let soak = Soak(engine: Leaking(engine), counted: engine, residency: Residency(maxExperts: 1))
      let leaks = try await soak.run(bundle("dispatch"), answers: 60, every: 10) { _ in }
      #expect(leaks.contains { $0.hasPrefix("sessions: ") && $0.hasSuffix(" after 60") })
      #expect(leaks.contains { $0.hasPrefix("sessions: ") && $0.hasSuffix(" after closing") })
    }

    private func bundle(_ name: String) -> URL {
      smallBundle.deletingLastPathComponent().appendingPathComponent(name)
    }
  }

  /// One thing of which a process holds more.
  struct Grown: Sendable {
    let what: String
    let change: @Sendable (inout Look) -> Void

    static let all = [
      Grown(what: "sessions") { $0.sessions += 1 },
      Grown(what: "tensors") { $0.tensors += 1 },
      Grown(what: "mapped files") { $0.mappedFiles += 1 },
      Grown(what: "open files") { $0.openFiles += 1 },
      Grown(what: "threads") { $0.threads += 1 },
      Grown(what: "bytes of the heap") { $0.heapBytes += Leaks.toleratedHeapBytes + 1 },
      Grown(what: "bytes of anonymous memory") { $0.anonymousBytes += Leaks.toleratedBytes + 1 },
    ]
  }

  /// An engine that keeps every graph.
  private final class Leaking: Engine {
    private let engine: ONNXEngine
    private let kept = Guarded([any LoadedGraph]())

    init(_ engine: ONNXEngine) { self.engine = engine }

    var format: String { engine.format }

    func open(root: URL, target: Target) async throws -> any Runner {
      LeakingRunner(try await engine.open(root: root, target: target), kept)
    }
  }

  private final class LeakingRunner: Runner {
    private let runner: any Runner
    private let kept: Guarded<[any LoadedGraph]>

    init(_ runner: any Runner, _ kept: Guarded<[any LoadedGraph]>) {
      self.runner = runner
      self.kept = kept
    }

    var engineName: String { runner.engineName }

    var provider: String { runner.provider }

    func load(_ graph: Graph) async throws -> any LoadedGraph {
      let loaded = try await runner.load(graph)
      kept.withLock { $0.append(loaded) }
      return loaded
    }
  }
#endif
