import Foundation
import Testing

@testable import MVMoE
@testable import MVMoEONNX

@Suite struct ProcessPoolTests {
  @Test(.disabled(if: ChildProcess.isChild)) func allGraphsOfAProcessShareOnePoolWhichHasOneSize() throws {
    let lines = try ChildProcess().run("ProcessPoolTests/sharesAPool")
    try #require(lines.count == 5)
    // Of three threads two are the pool's: the one that calls is the third. Swift may start some of its own meanwhile; pools of
    // four graphs would be eight threads.
    for line in lines[..<3] { #expect(line.wholeMatch(of: /4 graphs ran, [2-5] more threads/) != nil, "\(line)") }
    #expect(lines[3].hasPrefix("engine.option pool: threads 2 was given, but this process has one pool"))
    #expect(lines[3].hasSuffix("with 3; give that number, or use another process"))
    #expect(lines[4].hasPrefix("engine.option pool: threads nil was given"))
  }

  @Test(.enabled(if: ChildProcess.isChild)) func sharesAPool() async throws {
    let engines = [
      ONNXEngine(threads: 3, pool: .process), ONNXEngine(threads: 3, pool: .process), ONNXEngine(threads: 3),
      ONNXEngine(threads: 2, pool: .process), ONNXEngine(),
    ]
    let before = try threads()
    for engine in engines { print(">\(try await outcome(engine, before))") }
  }

  private func outcome(_ engine: ONNXEngine, _ before: Int) async throws -> String {
    let bundle = try AnswerBundles.open("dispatch")
    let target = try bundle.target("onnx")
    do {
      let runner = try await engine.open(root: bundle.root, target: target)
      var loaded: [any LoadedGraph] = []
      for graph in target.graphs {
        loaded.append(try await runner.load(graph))
        try await loaded.last?.bind(inputs: graph.newInputs(), outputs: graph.newOutputs()).run()
      }
      return "\(loaded.count) graphs ran, \(try threads() - before) more threads"
    } catch let error as MVMoEError {
      return "\(error.code.rawValue) pool: \(error.message)"
    }
  }

  private func threads() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
}
