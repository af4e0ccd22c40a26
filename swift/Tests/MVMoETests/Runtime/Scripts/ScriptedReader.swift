import Foundation

@testable import MVMoE

/// A dispatcher over a scripted engine.
protocol ScriptedReader: Sendable {
  /// The answer for an image that takes these graphs, one for each routed stage.
  func ask(_ graphs: [String]) async throws -> [Int]

  /// The answers for several images at once, nil for an image without one, and the codes of those.
  func askBatch(_ images: [[String]]) async throws -> (answers: [[Int]?], codes: [Int: String])

  func prewarm() async throws

  func close() async

  var resident: [String] { get async }
}

/// The dispatcher as it is; only the engine is the suite's.
struct DispatcherReader: ScriptedReader {
  let dispatcher: Dispatcher
  private let graphs: [String]

  static func open(
    _ engine: ScriptedEngine, _ script: Script, residency: Residency
  ) async throws -> DispatcherReader {
    try ScriptedBundle.write(script, engine)
    return try await open(engine.folder, engine, script, residency: residency)
  }

  /// As above, of the script's bundle in a folder, and any engine over that of the script.
  static func open(
    _ bundle: URL, _ engine: any Engine, _ script: Script, residency: Residency
  ) async throws -> DispatcherReader {
    let dispatcher = try await Dispatcher.open(bundle, engine: engine, residency: residency)
    return DispatcherReader(dispatcher: dispatcher, graphs: script.stages.joined().map(\.name))
  }

  func ask(_ graphs: [String]) async throws -> [Int] {
    let levels = image(graphs).map { $0 > 0 ? UInt8.max : 0 }
    return numbers(try await dispatcher.predict(.grey(levels, width: levels.count, height: 1)).answer)
  }

  func askBatch(_ images: [[String]]) async throws -> (answers: [[Int]?], codes: [Int: String]) {
    do {
      return (try await dispatcher.run(images.flatMap(image)).map(numbers), [:])
    } catch let partial as PartialResultError {
      return (partial.answers.map { $0.map(numbers) }, partial.failures.mapValues(\.code.rawValue))
    }
  }

  func prewarm() async throws { try await dispatcher.prewarm() }

  func close() async { await dispatcher.close() }

  var resident: [String] { get async { await dispatcher.resident } }

  /// An image holds the logits of all routed stages: those of its graphs are the highest.
  private func image(_ taken: [String]) -> [Float] { graphs.map { taken.contains($0) ? 1 : 0 } }

  private func numbers(_ answer: Answer) -> [Int] { answer.outputs["answer"]?.values.map { Int($0) } ?? [] }
}

extension Residency {
  /// What a step `open` asks for.
  init(_ step: ScriptStep) {
    self.init(
      maxExperts: step["max_resident_experts"].integer, maxBytes: step["max_resident_bytes"].integer,
      pin: step["pin"].items.map { pin in
        if let name = pin.text { return .graph(name) }
        return pin.integer.map(Pin.expert) ?? .route(pin.integers)
      })
  }
}
