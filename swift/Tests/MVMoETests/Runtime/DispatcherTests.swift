import Foundation
import Testing

@testable import MVMoE

/// What a dispatcher answers, with every strategy, over an engine that computes a model which the test computes too.
@Suite struct DispatcherTests {
  static let twoStages = Array(repeating: TestJSON.object(["type": "top_k", "experts": 3, "k": 2]), count: 2)
  static let strategies = ["dispatch", "experts", "bind", "gather", "all-experts"]

  static let models: [ToyModel] =
    strategies.map { ToyModel($0, rules: twoStages) } + [
      ToyModel("gather", rules: twoStages, indexType: "int32"),
      ToyModel("gather", rules: twoStages, routersInGraph: true),
      ToyModel("all-experts", rules: twoStages, routersInGraph: true),
    ] + strategies.map { ToyModel($0, rules: twoStages, batch: 3) }

  /// Opens a model's bundle, and asserts at the end that the engine was used as its contract says.
  private func using(
    _ model: ToyModel, _ residency: Residency = Residency(), prior: TestJSON = .null, golden: [[Float]]? = nil,
    _ work: (Dispatcher, ToyEngine) async throws -> Void
  ) async throws {
    let (folder, engine) = (TemporaryFolder(), ToyEngine(model))
    try ToyBundle.write(model, to: folder.url, golden: golden, prior: prior)
    let dispatcher = try await Dispatcher.open(folder.url, engine: engine, residency: residency)
    try await work(dispatcher, engine)
    await dispatcher.close()
    #expect(engine.ledger.faults == nil)
  }

  private func images(_ model: ToyModel, _ count: Int, seed: UInt64) -> [[Float]] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in
      (0..<model.width).map { _ in Float(Int.random(in: 0..<17, using: &random)) / 4 }
    }
  }

  private func value(_ answer: Answer) throws -> Float { try #require(answer.outputs["answer"]?.values.first) }

  /// Asserts that an image has the routes of the two best experts, their gates, and the model's answer.
  private func expectTopTwo(_ model: ToyModel, _ image: [Float], _ answer: Answer) throws {
    let (routes, gates) = model.ways(image)
    #expect(answer.routes.map(\.experts) == routes)
    for stage in routes.indices {
      #expect(answer.routerLogits[stage] == model.logits(image, stage))
      #expect(zip(answer.gates[stage], gates[stage]).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    let x = image[image.count - 1]
    let wanted = model.answer(x, routes: routes, gates: gates)
    // Sums of a few products in fp32, in another order.
    #expect(abs(try value(answer) - wanted) <= 1e-4 * max(1, wanted))
    #expect(try answer.logits == [x, 2 * x, -x])
    #expect(try answer.label == (x > 0 ? "double" : "x"))
    #expect(answer.lastStage == "s\(model.experts.count)")
    #expect(answer.outputs.names == ["answer", "scores"])
  }

  @Test(arguments: models) func singleImagesAreAnsweredAsTheModelAnswers(model: ToyModel) async throws {
    for residency in [Residency(), Residency(maxExperts: 1), Residency(maxBytes: 25)] {
      try await using(model, residency) { dispatcher, _ in
        for image in images(model, 40, seed: 1) {
          try expectTopTwo(model, image, try #require(try await dispatcher.run(image).first))
        }
      }
    }
  }

  @Test(arguments: models) func batchesAreAnsweredAsTheModelAnswers(model: ToyModel) async throws {
    for residency in [Residency(), Residency(maxExperts: 1)] {
      try await using(model, residency) { dispatcher, _ in
        let images = images(model, 20, seed: 2)
        let tensor = Tensor(images.flatMap(\.self), shape: [20, 1, 1, model.width])
        for answers in [try await dispatcher.run(images.flatMap(\.self)), try await dispatcher.run(tensor)] {
          #expect(answers.count == images.count)
          for (image, answer) in zip(images, answers) { try expectTopTwo(model, image, answer) }
        }
      }
    }
  }

  @Test func aTensorOfOneImageIsReadWhereItLiesAndOthersAreCopied() async throws {
    let model = ToyModel("dispatch")
    try await using(model) { dispatcher, engine in
      let tensor = Tensor(dtype: .float32, shape: [1, 1, 1, model.width])
      for round in 0..<3 {
        for image in images(model, 5, seed: UInt64(round)) {
          _ = tensor.floats.update(fromContentsOf: image)
          try expectTopTwo(model, image, try #require(try await dispatcher.run(tensor).first))
        }
      }
      // The stem's own image, the tensor, and one binding a route.
      #expect(engine.ledger.binds <= 5)
      let image = images(model, 1, seed: 7)[0]
      try expectTopTwo(model, image, try #require(try await dispatcher.run(image).first))
      let other = Tensor(image, shape: [1, 1, 1, model.width])
      try expectTopTwo(model, image, try #require(try await dispatcher.run(other).first))
      try expectTopTwo(model, image, try #require(try await dispatcher.run(unaligned(image)).first))
    }
  }

  /// An image that begins where no number may.
  private func unaligned(_ image: [Float]) -> Tensor {
    let memory = Tensor(dtype: .float32, shape: [image.count + 1])
    let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[1..<(1 + 4 * image.count)])
    image.withUnsafeBytes { bytes.copyMemory(from: $0) }
    return Tensor(dtype: .float32, shape: [1, 1, 1, image.count], bytes: bytes, owner: memory)
  }

  @Test(arguments: models) func pixelsArePreparedAnsweredAndTimed(model: ToyModel) async throws {
    try await using(model) { dispatcher, _ in
      let levels = (0..<model.width).map { UInt8(37 * $0 % 256) }
      let prediction = try await dispatcher.predict(.grey(levels, width: model.width, height: 1))
      // The input that the answer shows: the logits of its routers, and its number.
      let input = try prediction.routerLogits.flatMap(\.self) + [prediction.logits[0]]
      #expect(zip(input, levels).allSatisfy { abs($0 - Float($1) / 255) < 1e-6 } && input.count == levels.count)
      try expectTopTwo(model, input, prediction.answer)
      #expect(prediction.transform.imageWidth == model.width && prediction.transform.imageHeight == 1)
      let timings = prediction.timings
      let parts = [timings.preprocess, timings.stem, timings.select, timings.load, timings.expert]
      #expect(parts.allSatisfy { $0 >= .zero })
      #expect(parts.reduce(.zero, +) > .zero && parts.reduce(.zero, +) <= timings.total)
      try await expectRefusal(.imageBufferSize) { try await dispatcher.predict(.grey([], width: 0, height: 1)) }
    }
  }

  @Test(arguments: models) func theEngineIsComparedWithTheGoldenVectors(model: ToyModel) async throws {
    // Numbers that differ, so that no image is a near-tie.
    let golden = (0..<4).map { image in
      (0..<model.width).map { place -> Float in Float((3 * place + 5 * image) % 7) + Float(place) / 8 }
    }
    try await using(model, Residency(maxExperts: 1), golden: golden) { dispatcher, engine in
      let right = try await dispatcher.check()
      try right.requireOk()
      #expect(right.images == 4)
      #expect(right.routerError == 0)
      if model.routersInGraph { return }
      engine.afterRun { outputs in
        if let value = outputs["value"] { value.floats[0] *= 1.01 }
      }
      let wrong = try await dispatcher.check()
      #expect(!wrong.ok && wrong.answerError > 0.005 && wrong.rerouted.isEmpty)
      #expect(throws: CheckFailedError.self) { try wrong.requireOk() }
      engine.afterRun { outputs in outputs["logits0"]?.floats[0] = .nan }
      #expect(try await dispatcher.check().routerError == .infinity)
    }
  }

  @Test(arguments: models) func aWarmImageBindsNothingAndLoadsNothing(model: ToyModel) async throws {
    try await using(model) { dispatcher, engine in
      let images = images(model, 30, seed: 3)
      for image in images { _ = try await dispatcher.run(image) }
      let (binds, loads) = (engine.ledger.binds, engine.loads)
      for image in images { _ = try await dispatcher.run(image) }
      #expect(engine.ledger.binds == binds)
      #expect(engine.loads == loads)
    }
  }

  @Test func whatStagesPassOnMayBeOfHalfPrecision() async throws {
    let rule: TestJSON = ["type": "top_k", "experts": 2, "k": 1, "unit_gates": true]
    let model = ToyModel("dispatch", rules: [rule], stateType: "float16")
    try await using(model) { dispatcher, _ in
      let image = model.image(3, [0, 1])
      for answer in try await dispatcher.run(image) + dispatcher.run(image + image) {
        #expect(try value(answer) == 3 + 2 * 4)
      }
    }
  }

  @Test(arguments: strategies) func shorterRoutesLeaveSlotsAndPlacesThatChangeNothing(strategy: String) async throws {
    let rule: TestJSON = ["type": "threshold", "experts": 3, "thresholds": [0.5, 0.5, 0.5]]
    let model = ToyModel(strategy, rules: [rule], batch: strategy == "bind" ? 1 : 2)
    try await using(model) { dispatcher, engine in
      let (long, short) = (model.image(1, [1, 1, 1]), model.image(2, [0, 1, 0]))
      let single = try await dispatcher.run(long) + dispatcher.run(short)
      for answers in [single, try await dispatcher.run(long + short)] {
        #expect(answers.map(\.routes) == [[[0, 1, 2]], [[1]]])
        #expect(abs(try value(answers[0]) - (1 + 2 * (1 + 2 + 3) / 3)) < 1e-5)
        #expect(abs(try value(answers[1]) - (2 + 3 * 2)) < 1e-5)
      }
      if strategy == "experts" { #expect(engine.loads.filter { $0 == "s1_e1" }.count == 1) }
    }
  }

  @Test(arguments: strategies) func anImageOnARouteThatFinishesItRunsNoFurtherStage(strategy: String) async throws {
    let rule: TestJSON = ["type": "top_k", "experts": 2, "k": 1]
    let model = ToyModel(strategy, rules: [rule, rule], finishes: [[], [[1]]])
    try await using(model) { dispatcher, _ in
      let (stays, ends) = (model.image(1, [9, 0], [9, 0]), model.image(1, [9, 0], [0, 9]))
      let answers = try await dispatcher.run(stays + ends)
      #expect(answers.map(\.lastStage) == ["s2", "s1"])
      for answer in try await [answers[1]] + dispatcher.run(ends) {
        #expect(answer.lastStage == "s1")
        #expect(answer.routes == [[0], [1]])
        #expect(abs(try value(answer) - (1 + ToyModel.softmax([9, 0])[0] * 2)) < 1e-5)
      }
    }
  }

  @Test func callersChooseRoutesByTheirNames() async throws {
    let given: TestJSON = [
      "type": "given", "experts": 3, "choice": "task", "routes": ["depth": [1], "pose": [0, 2]],
    ]
    let model = ToyModel("dispatch", rules: [given])
    try await using(model) { dispatcher, _ in
      let image = model.image(1, [0, 0, 0])
      let answer = try #require(try await dispatcher.run(image, choices: ["task": "pose"]).first)
      #expect(answer.route == [0, 2])
      #expect(try value(answer) == 1 + 2 * (1 + 3))
      #expect(answer.routerLogits == [[]])
      #expect(try await dispatcher.run(image + image, choices: ["task": "depth"])[1].route == [1])
      try await expectRefusal(.routingChoiceMissing) { try await dispatcher.run(image) }
      try await expectRefusal(.routingChoiceUnknown) { try await dispatcher.run(image, choices: ["task": "sleep"]) }
      try await expectRefusal(.routingNoSuchChoice) { try await dispatcher.run(image, choices: ["power": "low"]) }
    }
  }

  @Test func aChoiceMayBeLeftToTheRouter() async throws {
    let router: TestJSON = ["type": "top_k", "experts": 3, "k": 1]
    let given: TestJSON = ["type": "given", "experts": 3, "routes": ["last": [2]], "otherwise": router]
    let model = ToyModel("experts", rules: [given])
    try await using(model) { dispatcher, _ in
      let image = model.image(1, [0, 5, 0])
      let (routed, chosen) = try await (dispatcher.run(image), dispatcher.run(image, choices: ["route": "last"]))
      #expect(routed.map(\.route) == [[1]])
      #expect(chosen.map(\.route) == [[2]])
    }
  }

  @Test func whatIsNotFiniteIsAnErrorNeverAnAnswer() async throws {
    let model = ToyModel("dispatch")
    try await using(model) { dispatcher, engine in
      let (good, bad) = (model.image(1, [3, 2, 1]), model.image(1, [3, .nan, 1]))
      let huge = model.image(.infinity, [0, 2, 1])
      for images in [bad, good + bad, huge] {
        try await expectRefusal(.routingNotFinite) { try await dispatcher.run(images) }
      }
      let batch = try await expectRefusal(.routingNotFinite) { try await dispatcher.run(good + huge) }
      #expect(batch.fields["image"] == 1)
      #expect(
        batch.message
          == "the answer for the images 1 of the batch holds a value that is not finite; check the weights of the model"
      )
      await dispatcher.trim()
      engine.beforeLoad { if $0 == "s1_r0_1" { throw MVMoEError(.engineLoadFailed, "told to fail") } }
      let error = await failure { try await dispatcher.run(good + huge + model.image(2, [0, 2, 1])) }
      let partial = try #require(error as? PartialResultError)
      #expect(partial.answers.map { $0 == nil } == [true, true, false])
      #expect(partial.failures.mapValues(\.code) == [0: .engineLoadFailed, 1: .routingNotFinite])
      #expect(partial.fields == ["images": [0, 1]])
      #expect(
        partial.message
          == "images 0, 1 of 3 have no answer (answers has those of the others): told to fail; the answer for image 1 of the "
          + "batch holds a value that is not finite; check the weights of the model")
    }
  }

  @Test func otherShapesAndTypesAreRefused() async throws {
    let model = ToyModel("dispatch")
    try await using(model) { dispatcher, _ in
      for numbers in [0, model.width + 1] {
        try await expectRefusal(.inputShape) { try await dispatcher.run([Float](repeating: 0, count: numbers)) }
      }
      for shape in [[1, 1, model.width, 1], [0, 1, 1, model.width], [1, 1, model.width], []] {
        try await expectRefusal(.inputShape) { try await dispatcher.run(Tensor(dtype: .float32, shape: shape)) }
      }
      try await expectRefusal(.inputShape) {
        try await dispatcher.run(Tensor(dtype: .float16, shape: [1, 1, 1, model.width]))
      }
      let memory = Tensor(dtype: .float32, shape: [2])
      for count in [1, Int.max] {
        let short = Tensor(dtype: .float32, shape: [count, 1, 1, model.width], bytes: memory.bytes, owner: memory)
        let error = try await expectRefusal(.inputShape) { try await dispatcher.run(short) }
        #expect(error.fields["expected"] == .list([1, 1, .integer(model.width)]))
        #expect(error.fields["found"] == [2])
      }
    }
  }

  @Test func theTargetIsTheEngines() async throws {
    struct Other: Engine {
      let format = "other"

      func open(root: URL, target: Target) async throws -> any Runner { throw CancellationError() }
    }
    let (model, folder) = (ToyModel("dispatch"), TemporaryFolder())
    let (bundle, engine) = (try ToyBundle.write(model, to: folder.url), ToyEngine(model))
    let error = try await expectRefusal(.bundleNoTarget) { try await Dispatcher.open(bundle, engine: Other()) }
    #expect(error.fields == ["target": "other", "available": ["toy"]])
    try await expectRefusal(.bundleNoTarget) {
      try await Dispatcher.open(bundle, engine: engine, options: OpenOptions(target: "another"))
    }
    try await expectRefusal(.bundleWrongManifest) {
      try await Dispatcher.open(
        bundle, engine: engine, options: OpenOptions(manifestSHA256: String(repeating: "0", count: 64)))
    }
    let dispatcher = try await Dispatcher.open(bundle, engine: engine, options: OpenOptions(target: "toy"))
    #expect(dispatcher.target.name == "toy")
    #expect(dispatcher.engineName == "a strict engine")
    #expect(dispatcher.provider == "none")
    await dispatcher.close()
  }

  @Test func limitsWithoutEffectAreNotedAndAPinAsksForWeights() async throws {
    try await using(ToyModel("bind"), Residency(maxExperts: 1, pin: [.expert(2)])) { dispatcher, _ in
      #expect(dispatcher.notes.count == 1)
      #expect(await dispatcher.resident == [])
      #expect(await dispatcher.graphStates == ["s1_b2": .mapped])
      try await dispatcher.setResidency(Residency())
      #expect(dispatcher.notes == [])
      for pin in [Pin.expert(3), .expert(-1), .route([]), .graph("s1_b2")] {
        try await expectRefusal(.routingUnknownRoute) { try await dispatcher.setResidency(Residency(pin: [pin])) }
      }
    }
  }

  private static let keepsThree: TestJSON = ["type": "top_k", "experts": 4, "k": 2, "kept": [0, 1, 3]]

  @Test(arguments: strategies) func expertsThatAreNotKeptArePassedOver(strategy: String) async throws {
    let model = ToyModel(strategy, rules: [Self.keepsThree])
    try await using(model) { dispatcher, _ in
      try await dispatcher.prewarm()
      let natural = model.image(1, [1, 0, 0, 2])
      try expectTopTwo(model, natural, try #require(try await dispatcher.run(natural).first))
      let logits: [Float] = [1, 0, 3, 2]
      let answer = try #require(try await dispatcher.run(model.image(1, logits)).first)
      #expect(answer.routes == [[0, 3]])
      let scores = ToyModel.softmax(logits)
      let gates = [scores[0], scores[3]]
      #expect(zip(answer.gates[0], gates).allSatisfy { abs($0 - $1) < 1e-6 })
      let wanted = model.answer(1, routes: [[0, 3]], gates: [gates])
      // Sums of a few products in fp32, in another order.
      #expect(abs(try value(answer) - wanted) <= 1e-4 * wanted)
    }
  }

  @Test(arguments: ["bind", "dispatch", "experts"])
  func anExpertThatNoRouteHasCannotBePinnedAndWhatCanBeIsSaid(strategy: String) async throws {
    let isOfRoutes = strategy == "dispatch"
    try await using(ToyModel(strategy, rules: [Self.keepsThree])) { dispatcher, _ in
      let error = try await expectRefusal(.routingUnknownRoute) {
        try await dispatcher.setResidency(Residency(pin: [isOfRoutes ? .route([0, 2]) : .expert(2)]))
      }
      #expect(error.message.contains("routes of s1 have the experts [0, 1, 3] alone"))
      try await dispatcher.setResidency(Residency(pin: [isOfRoutes ? .route([0, 3]) : .expert(3)]))
    }
  }

  @Test func withBindNoMoreThan256RoutesOfAGraphStayBound() async throws {
    let model = ToyModel("bind", rules: [["type": "top_k", "experts": 24, "k": 2]])
    try await using(model) { dispatcher, engine in
      for _ in 0..<2 {
        for first in 0..<24 {
          for second in (first + 1)..<24 {
            let image = model.image(1, (0..<24).map { $0 == first || $0 == second ? 5 : 0 })
            try expectTopTwo(model, image, try #require(try await dispatcher.run(image).first))
          }
        }
      }
      #expect(engine.ledger.bindings == 256 + 1)
    }
  }

  @Test func prewarmingWithBindRunsTheGraphOfEveryLength() async throws {
    let model = ToyModel("bind", rules: [["type": "threshold", "experts": 2, "thresholds": [0.5, 0.5]]])
    try await using(model) { dispatcher, engine in
      let ran = Guarded<[String]>([])
      engine.beforeRun { graph in ran.withLock { $0.append(graph) } }
      try await dispatcher.prewarm()
      #expect(ran.withLock { $0 } == ["s1_b1", "s1_b2"])
    }
  }

  @Test func prewarmingExpertsCountsTheSharesOfAllTheirRoutes() async throws {
    let prior: TestJSON = [[["route": [0, 2], "share": 0.4], ["route": [1, 2], "share": 0.6]]]
    try await using(ToyModel("experts"), Residency(maxExperts: 2), prior: prior) { dispatcher, engine in
      try await dispatcher.prewarm()
      #expect(engine.loads == ["stem", "s1_join", "s1_e2", "s1_e1"])
    }
  }

  @Test func aModelThatDoesNotLoadLeavesNothingOpen() async throws {
    let (model, folder) = (ToyModel("experts"), TemporaryFolder())
    let engine = ToyEngine(model)
    engine.beforeLoad { if $0 == "s1_join" { throw MVMoEError(.engineLoadFailed, "told to fail") } }
    try ToyBundle.write(model, to: folder.url)
    try await expectRefusal(.engineLoadFailed) { try await Dispatcher.open(folder.url, engine: engine) }
    #expect(engine.ledger.faults == nil)
    #expect(engine.freed == ["stem"])
  }

  @Test func aLinkIsFollowedWhenTheBundleIsOpenedAndNotLater() async throws {
    let (model, folder) = (ToyModel("dispatch"), TemporaryFolder())
    let (engine, link) = (ToyEngine(model), folder["link"])
    for name in ["one", "other"] {
      try FileManager.default.createDirectory(at: folder[name], withIntermediateDirectories: true)
      try ToyBundle.write(model, to: folder[name])
    }
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder["one"])
    let dispatcher = try await Dispatcher.open(link, engine: engine)
    #expect(dispatcher.bundle.root.lastPathComponent == "one")
    try FileManager.default.removeItem(at: link)
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder["other"])
    #expect(try await dispatcher.run(model.image(1, [3, 2, 1])).count == 1)
    await dispatcher.close()
  }
}
