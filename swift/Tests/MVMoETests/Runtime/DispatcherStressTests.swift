import Testing

@testable import MVMoE

/// Many calls at once, by chance; the seeds are fixed, their interleaving is not.
@Suite(.timeLimit(.minutes(5))) struct DispatcherStressTests {
  @Test(arguments: ["dispatch", "experts", "bind"])
  func manyTasksAtOnceKeepLimitsAndLeaveNothingOpen(strategy: String) async throws {
    let model = ToyModel(strategy, rules: Array(repeating: ["type": "top_k", "experts": 4, "k": 2], count: 2))
    let (engine, folder, failed) = (ToyEngine(model), TemporaryFolder(), Guarded(0))
    try ToyBundle.write(model, to: folder.url)
    let dispatcher = try await Dispatcher.open(folder.url, engine: engine, residency: Residency(maxExperts: 2))
    engine.beforeLoad { _ in
      guard Int.random(in: 0..<8) == 0 else { return await Task.yield() }
      failed.withLock { $0 += 1 }
      throw MVMoEError(.engineLoadFailed, "told to fail")
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seed in 0..<6 {
        group.addTask {
          var random = SeededRandom(seed: UInt64(seed))
          for _ in 0..<300 { try await act(on: dispatcher, model, &random) }
        }
      }
      try await group.waitForAll()
    }
    try await dispatcher.setResidency(Residency(maxExperts: 2))
    let stages = Dictionary(grouping: await dispatcher.resident) { $0.prefix(2) }
    #expect(stages.values.allSatisfy { $0.count <= 2 })
    await dispatcher.close()
    #expect(engine.ledger.faults == nil)
    #expect(engine.loads.count - failed.withLock { $0 } == engine.freed.count)
  }

  private func act(on dispatcher: Dispatcher, _ model: ToyModel, _ random: inout SeededRandom) async throws {
    let count = Int.random(in: 0..<8, using: &random) == 0 ? 5 : 1
    let images = (0..<(count * model.width)).map { _ in Float(Int.random(in: 0..<9, using: &random)) / 4 }
    switch Int.random(in: 0..<60, using: &random) {
    case 0: await dispatcher.trim()
    case 1: try await dispatcher.setResidency(Residency(maxExperts: Int.random(in: 1...3, using: &random)))
    case 2: try await dispatcher.prewarm()
    case 3:
      let task = Task { try await dispatcher.run(images) }
      task.cancel()
      _ = await task.result
    default:
      do {
        try requireRight(try await dispatcher.run(images), images, model)
      } catch is PartialResultError {}
    }
  }

  private func requireRight(_ answers: [Answer], _ images: [Float], _ model: ToyModel) throws {
    for (number, answer) in answers.enumerated() {
      let image = Array(images[(number * model.width)..<((number + 1) * model.width)])
      let (routes, _) = model.ways(image)
      let wanted = model.answer(image[image.count - 1], routes: routes, gates: answer.gates)
      let found = try #require(answer.outputs["answer"]?.values.first)
      try #require(answer.routes.map(\.experts) == routes)
      try #require(abs(wanted - found) <= 1e-4 * max(1, wanted))
    }
  }
}
