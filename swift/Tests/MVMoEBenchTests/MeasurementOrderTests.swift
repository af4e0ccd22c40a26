import Foundation
import MVMoE
import Testing

@testable import MVMoEBench

@Suite struct MeasurementOrderTests {
  private func parse(_ text: String) throws -> MeasurementOrder { try MeasurementOrder.parse(text.utf8) }

  @Test func anOrderIsReadAsMvmoeBenchWritesIt() throws {
    let order = try parse(orderText(images: "/images.npy", sustained: 600))
    #expect(order.started == 12)
    #expect(order.kind == "latency")
    #expect(order.names == ["a", "ä"])
    #expect(order.labels == [nil, "3"])
    #expect(order.preset.sustained == 600)
    #expect(order.preset.paced == 0)
    #expect(order.preset.rate == 30)
    #expect(order.subjects.map { $0.queries.map(\.image) } == [[0, 1, 0, 1]])
    #expect(order.subjects[0].outputKinds == ["answer": "logits"])
  }

  @Test func theRateOfFramesIsReadWhereThereIsOne() throws {
    let preset = try parse(orderText(images: "/i", paced: #", "paced": 60.0, "rate": 24.5"#)).preset
    #expect(preset.paced == 60)
    #expect(preset.rate == 24.5)
  }

  @Test func routesAreReadStageByStage() throws {
    let text = orderText(images: "/i").replacingOccurrences(
      of: #""routes": null, "forced": false"#, with: #""routes": [[0, 2], []], "forced": true"#)
    let query = try #require(try parse(text).subjects.first?.queries.first)
    #expect(query.routes == [[0, 2], []])
    #expect(query.forced)
  }

  @Test(arguments: [
    (#""threads": 1"#, #""threads": "one""#, "threads"),
    (#""threads": 1"#, #""thread": 1"#, "threads"),
    (#""threads": 1"#, #""threads": 99999999999999999999"#, "threads"),
    (#""repeat": 0"#, #""repeat": -1"#, "repeat"),
    (#""repeat": 0"#, #""repeat": 0, "later": 1"#, "later"),
    (#""cooldown": 0.0"#, #""cooldown": 0.0, "rate": 0.0"#, "rate"),
    (#""cooldown": 0.0"#, #""cooldown": 0.0, "paced": 1e300"#, "paced"),
    (#""seconds": 0.0"#, #""seconds": 1e999"#, "seconds"),
  ])
  func anotherOrderThanThatIsRefusedAndTheFieldIsNamed(found: String, given: String, field: String) throws {
    let text = orderText(images: "/images.npy").replacingOccurrences(of: found, with: given)
    let error = try refusal(MVMoEError.self) { try parse(text) }
    #expect(error.code == .inputInvalid)
    #expect(error.message.contains(field))
    #expect(error.message.contains("use one version on both sides"))
  }

  @Test func aJobOrAKindOfSubjectThatIsUnknownIsRefused() throws {
    #expect(throws: MVMoEError.self) { try Jobs.find("leaps") }
    #expect(throws: MVMoEError.self) { try SubjectKinds.find("eager") }
  }
}
