import Foundation

@testable import MVMoE

/// The engine of the residency scripts: it loads and runs graphs as the player says. Their files lie in ``folder``.
final class ScriptedEngine: StrictEngine {
  static let stem = "stem"

  private struct Held {
    let caller: String
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    /// The loads and runs that stop at their beginning.
    var next: Set<String> = []

    /// Those that have stopped.
    var held: [String: Held] = [:]

    /// How many more loads and runs fail.
    var failing: [String: Int] = [:]
  }

  let ledger = EngineLedger()
  let folder: URL
  private let counts: [Int]

  /// The stage of each graph, and its expert there.
  private let experts: [String: (stage: Int, expert: Int)]
  private let state = Guarded(State())

  init(_ script: Script, _ folder: URL) throws {
    self.folder = folder
    counts = script.stages.map(\.count)
    var experts: [String: (stage: Int, expert: Int)] = [:]
    for (stage, graphs) in script.stages.enumerated() {
      for (expert, graph) in graphs.enumerated() { experts[graph.name] = (stage, expert) }
    }
    self.experts = experts
    for name in [Self.stem] + experts.keys { try Data("\(name), as it was exported".utf8).write(to: file(name)) }
  }

  func file(_ name: String) -> URL { folder.appendingPathComponent("\(name).bin") }

  /// The callers whose calls are held inside of the engine.
  var holding: Set<String> { state.withLock { Set($0.held.values.map(\.caller)) } }

  /// Does what a step says of the engine or of the files; `cancel` cancels the call of a caller that is held.
  func act(_ step: ScriptStep, cancel: (String) -> Void) throws {
    let what = step["what"].text ?? ""
    switch step.action {
    case "hold": state.withLock { _ = $0.next.insert("\(what) \(step.graph)") }
    case "fail": state.withLock { $0.failing["\(what) \(step.graph)"] = step["times"].integer }
    case "replace": try replace(file(step.graph), with: step["with"].text ?? "")
    case "go": for held in letGo(step.graph) { held.continuation.resume() }
    default: for caller in held(of: step.graph) { cancel(caller) }
    }
  }

  /// Lets everything go, so that all calls can end.
  func end() {
    let held = state.withLock { state in
      defer { (state.held, state.next) = ([:], []) }
      return state.held.values
    }
    for each in held { each.continuation.resume() }
  }

  private func keys(_ graph: String) -> [String] { ["load \(graph)", "run \(graph)"] }

  private func letGo(_ graph: String) -> [Held] {
    state.withLock { state in
      let found = keys(graph).compactMap { state.held.removeValue(forKey: $0) }
      if found.isEmpty { state.next.subtract(keys(graph)) }
      return found
    }
  }

  private func held(of graph: String) -> [String] {
    state.withLock { state in
      let found = keys(graph).compactMap { state.held[$0]?.caller }
      if found.isEmpty { state.next.subtract(keys(graph)) }
      return found
    }
  }

  // MARK: Inside of the engine

  func onLoad(_ graph: Graph) async throws { try await enter("load", graph.name) }

  /// The stem hands on the logits that an image holds; a graph writes its number.
  func onRun(_ graph: Graph, _ inputs: [String: Tensor], _ outputs: [String: Tensor]) async throws {
    try await enter("run", graph.name)
    if graph.name == Self.stem { runStem(inputs, outputs) } else { runRouted(graph, inputs, outputs) }
  }

  /// A load or a run: held if the next one is to be, and failed if the engine was told to.
  private func enter(_ what: String, _ graph: String) async throws {
    let key = "\(what) \(graph)"
    if state.withLock({ $0.next.remove(key) }) != nil { try await hold(key) }
    let fails = state.withLock { state in
      guard let times = state.failing[key], times > 0 else { return false }
      state.failing[key] = times - 1
      return true
    }
    if fails {
      throw MVMoEError(
        what == "load" ? .engineLoadFailed : .engineRunFailed, "the graph \(graph) was told to fail",
        fields: ["graph": .text(graph)])
    }
  }

  private func hold(_ key: String) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let held = Held(caller: Caller.name, continuation: continuation)
        state.withLock { $0.held[key] = held }
        if Task.isCancelled { cancelHeld(key) }
      }
    } onCancel: {
      cancelHeld(key)
    }
  }

  private func cancelHeld(_ key: String) {
    let held = state.withLock { $0.held.removeValue(forKey: key) }
    held?.continuation.resume(throwing: CancellationError())
  }

  private func runStem(_ inputs: [String: Tensor], _ outputs: [String: Tensor]) {
    let image = inputs["image"]?.numbers ?? []
    var place = 0
    for (stage, count) in counts.enumerated() {
      _ = outputs["logits\(stage)"]?.floats.update(fromContentsOf: image[place..<(place + count)])
      place += count
    }
    outputs["numbers"]?.floats.update(repeating: 0)
  }

  private func runRouted(_ graph: Graph, _ inputs: [String: Tensor], _ outputs: [String: Tensor]) {
    guard let (stage, expert) = experts[graph.name], let given = outputs.values.first else { return }
    _ = given.floats.update(fromContentsOf: inputs["numbers"]?.numbers ?? [])
    given.floats[stage] = Float(10 * (stage + 1) + expert)
  }

  // MARK: Files

  /// Replaces a file by one of other content, of the same, by a link, or by nothing; its times stay.
  private func replace(_ file: URL, with what: String) throws {
    let (files, content) = (FileManager.default, try Data(contentsOf: file))
    let time = try files.attributesOfItem(atPath: file.path)[.modificationDate] as? Date ?? Date()
    func write(_ content: Data, _ place: URL) throws {
      try content.write(to: place)
      try files.setAttributes([.modificationDate: time], ofItemAtPath: place.path)
    }
    switch what {
    case "nothing":
      try files.removeItem(at: file)
    case "written":
      let handle = try FileHandle(forUpdating: file)
      try handle.write(contentsOf: Data(content.reversed()))
      try handle.close()
      try files.setAttributes([.modificationDate: time], ofItemAtPath: file.path)
    case "link":
      let elsewhere = folder.appendingPathComponent("elsewhere")
      try write(content, elsewhere)
      try files.removeItem(at: file)
      try files.createSymbolicLink(at: file, withDestinationURL: elsewhere)
    default:
      let new = folder.appendingPathComponent("new")
      try write(what == "other" ? Data(content.reversed()) : content, new)
      guard rename(new.path, file.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
  }
}
