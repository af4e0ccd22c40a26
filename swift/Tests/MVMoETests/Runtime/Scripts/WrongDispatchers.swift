import Foundation

@testable import MVMoE

/// Readers that are wrong in one thing each, as ports tend to be: each is the dispatcher with one thing changed before it is
/// asked, or in what it says.
enum WrongDispatchers {
  /// Their names, and how each is opened.
  static let all: [(name: String, open: OpenReader)] =
    residencies.map { ($0, open($1)) } + readers.map { ($0, open($1)) } + engines.map { ($0, open($1)) } + [
      ("never looks at files", openCopy)
    ]

  private static func open(_ change: @escaping @Sendable (Residency) -> Residency) -> OpenReader {
    { engine, script, step in
      try await DispatcherReader.open(engine, script, residency: change(Residency(step)))
    }
  }

  private static func open(_ change: @escaping @Sendable (DispatcherReader) -> any ScriptedReader) -> OpenReader {
    { engine, script, step in
      change(try await DispatcherReader.open(engine, script, residency: Residency(step)))
    }
  }

  private static func open(_ load: @escaping WrongEngine.Load) -> OpenReader {
    { engine, script, step in
      try ScriptedBundle.write(script, engine)
      let wrong = WrongEngine(right: engine, load: load)
      return try await DispatcherReader.open(engine.folder, wrong, script, residency: Residency(step))
    }
  }

  /// Opens a copy of the bundle, whose files nobody replaces.
  private static let openCopy: OpenReader = { engine, script, step in
    try ScriptedBundle.write(script, engine)
    let copy = engine.folder.appendingPathComponent("copy")
    let files = try FileManager.default.contentsOfDirectory(at: engine.folder, includingPropertiesForKeys: nil)
    try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
    for file in files {
      try FileManager.default.copyItem(at: file, to: copy.appendingPathComponent(file.lastPathComponent))
    }
    return try await DispatcherReader.open(copy, engine, script, residency: Residency(step))
  }

  private static let engines: [(String, WrongEngine.Load)] = [
    (
      "tries twice",
      { right, graph, _ in
        do { return try await right.load(graph) } catch is MVMoEError { return try await right.load(graph) }
      }
    ),
    (
      "frees nothing",
      { right, graph, kept in
        let loaded = try await right.load(graph)
        kept.withLock { $0["\(graph.name) \($0.count)"] = loaded }
        return loaded
      }
    ),
    (
      "takes back what it has given up",
      { right, graph, kept in
        if let loaded = kept.withLock({ $0[graph.name] }) { return loaded }
        let loaded = try await right.load(graph)
        kept.withLock { $0[graph.name] = loaded }
        return loaded
      }
    ),
    (
      "shares a cancellation",
      { right, graph, _ in
        do { return try await right.load(graph) } catch is CancellationError {
          throw MVMoEError(.engineFailed, "cancelled")
        }
      }
    ),
    (
      "says of a graph that does not load that its file is damaged",
      { right, graph, _ in
        do { return try await right.load(graph) } catch let error as MVMoEError {
          throw MVMoEError(.bundleHashMismatch, error.message)
        }
      }
    ),
  ]

  private static let residencies: [(String, @Sendable (Residency) -> Residency)] = [
    ("ignores limits of experts", { Residency(maxBytes: $0.maxBytes, pin: $0.pin) }),
    ("ignores limits of bytes", { Residency(maxExperts: $0.maxExperts, pin: $0.pin) }),
    ("ignores pins", { Residency(maxExperts: $0.maxExperts, maxBytes: $0.maxBytes) }),
    (
      "has room for one more",
      { Residency(maxExperts: $0.maxExperts.map { $0 + 1 }, maxBytes: $0.maxBytes, pin: $0.pin) }
    ),
    (
      "has room for one less",
      { Residency(maxExperts: $0.maxExperts.map { max($0 - 1, 1) }, maxBytes: $0.maxBytes, pin: $0.pin) }
    ),
    (
      "stays below the limit of bytes",
      { Residency(maxExperts: $0.maxExperts, maxBytes: $0.maxBytes.map { max($0 - 1, 1) }, pin: $0.pin) }
    ),
    (
      "takes any limit",
      { Residency(maxExperts: $0.maxExperts.map { max($0, 1) }, maxBytes: $0.maxBytes.map { max($0, 1) }, pin: $0.pin) }
    ),
    (
      "pins names only",
      { residency in
        Residency(
          maxExperts: residency.maxExperts, maxBytes: residency.maxBytes, pin: residency.pin.filter { $0.graph != nil })
      }
    ),
  ]

  private static let readers: [(String, @Sendable (DispatcherReader) -> any ScriptedReader)] = [
    ("answers a batch image by image", ImageByImage.init),
    ("fails a batch as a whole", WholeBatchFails.init),
    ("prewarms nothing", PrewarmsNothing.init),
    ("prewarms what is pinned by evicting the rest", TrimsBeforePrewarming.init),
    ("does not wait when it is closed", ClosesLater.init),
    ("drops what was used", KeepsNothing.init),
    ("says what is in memory in the order of names", SortsResident.init),
    ("answers one after the other", { OneAtATime($0) }),
  ]
}

/// A reader that does as another one, but for what it changes.
private protocol ChangedReader: ScriptedReader {
  var right: DispatcherReader { get }
}

extension ChangedReader {
  func ask(_ graphs: [String]) async throws -> [Int] { try await right.ask(graphs) }

  func askBatch(_ images: [[String]]) async throws -> (answers: [[Int]?], codes: [Int: String]) {
    try await right.askBatch(images)
  }

  func prewarm() async throws { try await right.prewarm() }

  func close() async { await right.close() }

  var resident: [String] { get async { await right.resident } }
}

private struct ImageByImage: ChangedReader {
  let right: DispatcherReader

  func askBatch(_ images: [[String]]) async throws -> (answers: [[Int]?], codes: [Int: String]) {
    var (answers, codes): ([[Int]?], [Int: String]) = ([], [:])
    for (place, image) in images.enumerated() {
      do {
        answers.append(try await right.ask(image))
      } catch let error as MVMoEError where error.isEngineFailure {
        answers.append(nil)
        codes[place] = error.code.rawValue
      }
    }
    return (answers, codes)
  }
}

private struct WholeBatchFails: ChangedReader {
  let right: DispatcherReader

  func askBatch(_ images: [[String]]) async throws -> (answers: [[Int]?], codes: [Int: String]) {
    let (answers, codes) = try await right.askBatch(images)
    guard let code = codes.values.first else { return (answers, codes) }
    return (answers.map { _ in nil }, Dictionary(uniqueKeysWithValues: answers.indices.map { ($0, code) }))
  }
}

private struct PrewarmsNothing: ChangedReader {
  let right: DispatcherReader

  func prewarm() async throws {}
}

private struct TrimsBeforePrewarming: ChangedReader {
  let right: DispatcherReader

  func prewarm() async throws {
    await right.dispatcher.trim()
    try await right.prewarm()
  }
}

private struct ClosesLater: ChangedReader {
  let right: DispatcherReader

  func close() async { Task { await right.close() } }
}

private struct KeepsNothing: ChangedReader {
  let right: DispatcherReader

  func ask(_ graphs: [String]) async throws -> [Int] {
    let answer = try await right.ask(graphs)
    await right.dispatcher.trim()
    return answer
  }
}

private struct SortsResident: ChangedReader {
  let right: DispatcherReader

  var resident: [String] { get async { await right.resident.sorted() } }
}

private final class OneAtATime: ChangedReader {
  private struct State {
    var isBusy = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  let right: DispatcherReader
  private let state = Guarded(State())

  init(_ right: DispatcherReader) { self.right = right }

  func ask(_ graphs: [String]) async throws -> [Int] {
    await begin()
    defer { end() }
    return try await right.ask(graphs)
  }

  private func begin() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        defer { state.isBusy = true }
        if state.isBusy { state.waiting.append(continuation) }
        return !state.isBusy
      }
      if isFree { continuation.resume() }
    }
  }

  private func end() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      if state.waiting.isEmpty {
        state.isBusy = false
        return nil
      }
      return state.waiting.removeFirst()
    }
    next?.resume()
  }
}
