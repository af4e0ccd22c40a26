import Testing

@testable import MVMoE

/// `tests/conformance/residency` on the dispatcher as it is; only the engine is the suite's.
@Suite struct ResidencyConformanceTests {
  @Test(arguments: Script.files)
  func dispatcherDoesAsTheScriptsSay(file: String) async throws {
    let failures = try await ScriptPlayer.failures(try Script.all(of: file)) { engine, script, step in
      try await DispatcherReader.open(engine, script, residency: Residency(step))
    }
    #expect(failures == [])
  }

  @Test func noFileAndNoScriptIsLeftOut() throws {
    #expect(Script.files.count == 13)
    #expect(try Script.files.map { try Script.all(of: $0).count }.reduce(0, +) > 230)
  }

  @Test(arguments: WrongDispatchers.all.map(\.name))
  func wrongDispatcherIsCaught(name: String) async throws {
    let wrong = try #require(WrongDispatchers.all.first { $0.name == name })
    var isCaught = false
    for file in Script.files where !isCaught && !file.contains("chance") {
      isCaught = try await ScriptPlayer.catches(try Script.all(of: file), wrong.open)
    }
    #expect(isCaught)
  }
}
