import Foundation
import Testing

@testable import MVMoE
@testable import MVMoEONNX

@Suite struct TelemetryTests {
  /// Where the variable is 0 there are `.cache/Microsoft` in the home, and `.ses` in the temporary folder.
  @Test(.disabled(if: ChildProcess.isChild)) func theEngineSwitchesItOff() throws {
    let child = try ChildProcess()
    #expect(try child.run("TelemetryTests/answersOnce").count == 1)
    #expect(try ChildProcess.content(of: child.home) == [])
    #expect(try ChildProcess.content(of: child.temporary) == [])
  }

  @Test(.enabled(if: ChildProcess.isChild)) func answersOnce() async throws {
    let bundle = try AnswerBundles.open("dispatch")
    let stem = try bundle.graph("stem")
    let runner = try await ONNXEngine(threads: 1).open(root: bundle.root, target: bundle.target("onnx"))
    try await runner.load(stem).bind(inputs: stem.newInputs(), outputs: stem.newOutputs()).run()
    try await Task.sleep(for: .milliseconds(500))  // What it writes in the background would be there by then.
    print(">\(runner.engineName)")
  }
}
