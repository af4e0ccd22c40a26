import Foundation

@testable import MVMoE

/// Opens a reader with the options of a step `open`.
typealias OpenReader =
  @Sendable (_ engine: ScriptedEngine, _ script: Script, _ step: ScriptStep) async throws -> any ScriptedReader

/// Plays one script: after each step everything comes to rest before the next one (`tests/conformance/residency/README.md`).
final class ScriptPlayer: Sendable {
  private struct State {
    var reader: (any ScriptedReader)?
    var calling: [String: Task<Void, any Error>] = [:]
    var ended: [String: TestJSON] = [:]
  }

  private let script: Script
  private let engine: ScriptedEngine
  private let open: OpenReader
  private let tasks = WatchedTasks()
  private let state = Guarded(State())

  /// The first step of each script that a reader gets wrong.
  static func failures(_ scripts: [Script], _ open: @escaping OpenReader) async throws -> [String] {
    var failures: [String] = []
    for script in scripts {
      if let failure = try await failure(script, open) { failures.append(failure) }
    }
    return failures
  }

  /// Whether a reader gets any of the scripts wrong.
  static func catches(_ scripts: [Script], _ open: @escaping OpenReader) async throws -> Bool {
    for script in scripts where try await failure(script, open) != nil { return true }
    return false
  }

  private static func failure(_ script: Script, _ open: @escaping OpenReader) async throws -> String? {
    let folder = TemporaryFolder()
    let engine = try ScriptedEngine(script, folder.url)
    let failure = try await ScriptPlayer(script, engine, open).play()
    return (failure ?? engine.ledger.faults).map { "\(script.name): \($0)" }
  }

  private init(_ script: Script, _ engine: ScriptedEngine, _ open: @escaping OpenReader) {
    self.script = script
    self.engine = engine
    self.open = open
  }

  private func play() async throws -> String? {
    var failure: String?
    for step in script.steps where failure == nil {
      let found = try await self.seen(after: step)
      if found != step.then { failure = "\(step): \(found) instead of \(step.then)" }
    }
    await end()
    return failure
  }

  /// What happens at a step, as the script says it.
  private func seen(after step: ScriptStep) async throws -> TestJSON {
    engine.ledger.clear()
    state.withLock { $0.ended = [:] }
    if ["hold", "go", "fail", "cancel", "replace"].contains(step.action) {
      try engine.act(step) { caller in state.withLock { $0.calling[caller] }?.cancel() }
    } else {
      begin(step)
    }
    await tasks.rest()
    return await seen()
  }

  private func seen() async -> TestJSON {
    let resident = await state.withLock { $0.reader }?.resident ?? []
    let (ended, waits) = state.withLock { ($0.ended, Set($0.calling.keys).subtracting(engine.holding)) }
    let found: [String: TestJSON] = [
      "ended": .object(ended), "loads": .texts(engine.loads), "freed": .texts(engine.freed.sorted()),
      "resident": .texts(resident), "waits": .texts(waits.sorted()),
    ]
    return .object(found.filter { $0.value != [] && $0.value != [:] })
  }

  /// Lets every call end, and the reader.
  private func end() async {
    engine.end()
    await tasks.rest()
    if let reader = state.withLock({ $0.reader }) {
      let closing = tasks { await reader.close() }
      await tasks.rest()
      closing.cancel()
    }
    state.withLock { $0.reader = nil }
  }

  private func begin(_ step: ScriptStep) {
    state.withLock { state in
      state.calling[step.by] = tasks { await self.run(step) }
    }
  }

  private func run(_ step: ScriptStep) async {
    let told = await Caller.$name.withValue(step.by) { await self.told(step) }
    state.withLock { state in
      state.ended[step.by] = told
      state.calling[step.by] = nil
    }
  }

  private func told(_ step: ScriptStep) async -> TestJSON {
    do {
      return try await call(step)
    } catch is CancellationError {
      return ["cancelled": true]
    } catch let error as MVMoEError {
      return ["code": .text(error.code.rawValue)]
    } catch {
      return ["code": .text("\(error)")]
    }
  }

  private func call(_ step: ScriptStep) async throws -> TestJSON {
    guard let reader = state.withLock({ $0.reader }) else {
      let opened = try await open(engine, script, step)
      state.withLock { $0.reader = opened }
      return ["done": true]
    }
    switch step.action {
    case "ask": return ["answer": .numbers(try await reader.ask(step["graphs"].items.compactMap(\.text)))]
    case "batch": return try await batch(reader, step["images"].items.map { $0.items.compactMap(\.text) })
    case "prewarm": try await reader.prewarm()
    default: await reader.close()
    }
    return ["done": true]
  }

  private func batch(_ reader: any ScriptedReader, _ images: [[String]]) async throws -> TestJSON {
    let (answers, codes) = try await reader.askBatch(images)
    return [
      "answers": .array(answers.map { $0.map(TestJSON.numbers) ?? .null }),
      "codes": .object(Dictionary(uniqueKeysWithValues: codes.map { ("\($0)", TestJSON.text($1)) })),
    ]
  }
}
