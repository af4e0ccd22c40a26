import Testing

@testable import MVMoE

/// What those who listen to a dispatcher are told.
@Suite struct StateStreamsTests {
  private let streams = StateStreams(names: ["stem", "a", "b"])

  private func told(_ stream: AsyncStream<DispatcherState>) async -> [String] {
    var told: [String] = []
    for await state in stream { told.append(Self.shown(state)) }
    return told
  }

  static func shown(_ state: DispatcherState) -> String {
    switch state {
    case .unloaded: "unloaded"
    case .prewarming: "prewarming"
    case .ready: "ready"
    case .loading(let graph): "loading \(graph)"
    case .failed(let graph, _): "failed \(graph)"
    }
  }

  @Test func eachListenerIsToldTheStateOfNowAndWhatFollows() async {
    let first = streams.stream()
    streams.take(.loads(1))
    let second = streams.stream()
    streams.take(.loads(2))
    streams.take(.loaded(1))
    streams.take(.loaded(2))
    streams.take(.evicted)
    streams.close()
    let wanted = ["loading a", "loading a", "loading b", "ready", "ready", "unloaded"]
    #expect(await told(first) == ["ready"] + wanted)
    #expect(await told(second) == wanted)
    #expect(await told(streams.stream()) == ["unloaded"])
  }

  @Test func aFailureIsToldUntilTheNextLoadAndACancelledLoadIsNone() async {
    let stream = streams.stream()
    streams.take(.loads(1))
    streams.take(.failed(1, MVMoEError(.engineLoadFailed, "told to fail")))
    streams.take(.loads(2))
    streams.take(.failed(2, CancellationError()))
    streams.close()
    #expect(await told(stream) == ["ready", "loading a", "failed a", "loading b", "ready", "unloaded"])
  }

  @Test func theTimeOfALoadIsThatOfTheGraphsLastOne() async throws {
    streams.take(.loads(1))
    #expect(streams.loadTimes.isEmpty)
    streams.take(.loaded(1))
    let first = try #require(streams.loadTimes["a"])
    #expect(first > .zero && streams.loadTimes.count == 1)
    streams.take(.loads(1))
    streams.take(.loads(2))
    try await Task.sleep(for: .milliseconds(1))
    streams.take(.failed(2, CancellationError()))
    streams.take(.loaded(1))
    #expect(try #require(streams.loadTimes["a"]) >= .milliseconds(1))
    #expect(streams.loadTimes["b"] == nil)
  }

  @Test func prewarmingIsToldBetweenLoads() async {
    let stream = streams.stream()
    streams.prewarms(true)
    streams.take(.loads(1))
    streams.take(.loaded(1))
    streams.prewarms(false)
    streams.close()
    #expect(await told(stream) == ["ready", "prewarming", "loading a", "prewarming", "ready", "unloaded"])
  }

  @Test func aListenerWhoLeavesIsForgottenAndOneWhoIsSlowMissesTheOldest() async {
    let left = Task { [streams] in
      for await _ in streams.stream() { return }
    }
    await left.value
    let slow = streams.stream()
    for _ in 0..<1000 { streams.take(.evicted) }
    streams.close()
    let told = await told(slow)
    #expect(told.count == 64 && told.last == "unloaded")
  }

  @Test func aStreamEndsWithItsDispatcher() async {
    var streams: StateStreams? = StateStreams(names: [])
    let stream = streams?.stream() ?? AsyncStream { $0.finish() }
    streams = nil
    #expect(await told(stream) == ["ready", "unloaded"])
  }
}
