import MVMoE
import Testing

@testable import MVMoEBench
@testable import mvmoe_runner

/// The runner's command line.
@Suite struct WordsTests {
  @Test func optionsStandAnywhere() throws {
    let words = try Words(["a", "--threads", "2", "b", "--target", "onnx"], knows: ["threads", "target"])
    #expect(words.plain == ["a", "b"])
    #expect(try words.number("threads") == 2)
    #expect(words.text("target") == "onnx")
  }

  @Test(arguments: [["--other", "1"], ["--threads"], ["--threads", "0"], ["--threads", "-1"], ["--threads", "x"]])
  func wordsThatACommandDoesNotKnowAreRefused(words: [String]) {
    #expect(throws: UsageError.self) { _ = try Words(words, knows: ["threads"]).number("threads") }
  }

  @Test(arguments: [[], ["a", "b"]])
  func onePathIsNeeded(words: [String]) {
    #expect(throws: UsageError.self) { try Words(words, knows: []).path }
  }

  @Test func anErrorIsALineOfJSONWithItsParticulars() throws {
    let error = MVMoEError(.engineOption, "so", fields: ["option": "pool", "n": [1, nil], "x": .number(.infinity)])
    let json = try #require(Described(error)).json
    #expect(
      json == #"{"error":{"code":"engine.option","message":"so","fields":{"n":[1,null],"option":"pool","x":"inf"}}}"#)
    #expect(Described(FileFailure("x")) == nil)
  }

  #if os(Linux)
    @Test(arguments: [["pool": "none"], ["provider": "nnapi"], ["speed": "high"]])
    func anOptionThatTheEngineDoesNotHaveIsRefused(options: [String: String]) throws {
      let error = try refusal(MVMoEError.self) {
        try RunnerEngines().engine(format: "onnx", threads: 1, options: options)
      }
      #expect(error.code == .engineOption)
    }

    @Test func aFormatThatItDoesNotRunIsRefused() throws {
      let error = try refusal(MVMoEError.self) {
        try RunnerEngines().engine(format: "coreml", threads: 1, options: [:])
      }
      #expect(error.code == .engineUnsupportedPlatform)
    }
  #endif
}
