import Foundation
import Testing

@testable import MVMoE
@testable import MVMoEONNX

/// `tests/conformance/answers`: what happens between two graphs.
@Suite struct AnswersConformanceTests {
  private let engine = ONNXEngine(threads: 1)

  @Test(arguments: AnswerBundles.names)
  func withAllGraphsInMemory(name: String) async throws {
    #expect(try await faults(AnswerBundles.root(name), engine) == [])
    #expect(engine.isIdle)
  }

  @Test(arguments: AnswerBundles.names)
  func withOneExpertInMemory(name: String) async throws {
    #expect(try await faults(AnswerBundles.root(name), engine, Residency(maxExperts: 1)) == [])
    #expect(engine.isIdle)
  }

  @Test(arguments: AnswerBundles.names)
  func theDispatchersOwnCheckAgreesAndAllImagesOfABundleAsOneBatch(name: String) async throws {
    let dispatcher = try await Dispatcher.open(
      AnswerBundles.root(name), engine: engine, residency: Residency(maxExperts: 1))
    try await dispatcher.check().requireOk()
    let golden = try Golden(dispatcher.bundle)
    let answers = try await dispatcher.run(golden.all("image"))
    #expect(answers.count == golden.images)
    for (image, answer) in answers.enumerated() {
      let values = try #require(answer.outputs["answer"]).values
      #expect(try golden.error(values, "outputs.answer", image) <= Golden.bound)
    }
    await dispatcher.close()
    #expect(engine.isIdle)
  }

  @Test(arguments: AnswerBundles.names)
  func anEngineBetweenThatChangesNothingChangesNothing(name: String) async throws {
    let same = WrongEngine(right: engine, wrong: NothingWrong())
    #expect(try await faults(AnswerBundles.root(name), same) == [])
  }

  @Test(arguments: WrongEngines.cases)
  func anEngineThatGetsOneThingWrongBetweenTwoGraphsIsNoticed(wrong: WrongEngines.Case) async throws {
    for name in wrong.bundles {
      let found = try await faults(AnswerBundles.root(name), WrongEngine(right: engine, wrong: wrong.wrong()))
      #expect(!found.isEmpty, "\(name)")
    }
  }

  @Test(arguments: [
    (#""router": "step1.logits""#, #""router": "stem.logits""#),
    (#""tokens": "step1.tokens""#, #""tokens": "stem.tokens""#),
  ])
  func aManifestThatLeadsTensorsOrRoutersAnotherWayIsNoticed(right: String, wrong: String) async throws {
    let copy = try BundleCopy("two_stages")
    try copy.edit { $0.replacingOccurrences(of: right, with: wrong) }
    #expect(try await !faults(copy.root, engine).isEmpty)
  }

  /// What is answered otherwise than the golden vectors, one image at a time.
  private func faults(
    _ root: URL, _ engine: any Engine, _ residency: Residency = Residency()
  ) async throws -> [String] {
    let dispatcher = try await Dispatcher.open(root, engine: engine, residency: residency)
    let golden = try Golden(dispatcher.bundle)
    var found: [String] = []
    for image in 0..<golden.images {
      let answer = try await dispatcher.run(golden.of("image", image))
      found += try answer.flatMap { try faults($0, golden, image) }
    }
    await dispatcher.close()
    return found
  }

  private func faults(_ answer: Answer, _ golden: Golden, _ image: Int) throws -> [String] {
    var found: [String] = []
    for (index, route) in answer.routes.enumerated() {
      if try route != golden.route(index + 1, image) { found.append("image \(image): \(route) at stage \(index + 1)") }
      let error = try golden.error(answer.routerLogits[index], "logits.\(index + 1)", image)
      if error > Golden.bound { found.append("image \(image): logits of stage \(index + 1) off by \(error)") }
    }
    for output in answer.outputs {
      let error = try golden.error(output.values, "outputs.\(output.name)", image)
      if error > Golden.bound { found.append("image \(image): \(output.name) off by \(error)") }
    }
    return found
  }
}
