import Foundation
import MVMoE
import Testing

@testable import MVMoEBench

@Suite struct LineWriterTests {
  private struct Full: Error {}

  @Test func linesWaitForAFlushAndGoOutWholeAndInOrder() throws {
    let written = Guarded(Data())
    let writer = LineWriter { data in written.withLock { $0 += data } }
    writer.emit(DoneLine(job: "one", conditions: nil))
    try writer.flush()
    #expect(written.withLock { $0 }.isEmpty)
    writer.emit(DoneLine(job: "two", conditions: nil))
    try writer.flush(now: true)
    #expect(try lines(written.withLock { $0 }).map { $0.text("job") } == ["one", "two"])
  }

  @Test func whatAFullStorageMayHaveTakenInPartIsNotWrittenAgain() throws {
    let room = Guarded(false)
    let written = Guarded(Data())
    let writer = LineWriter { data in
      if !room.withLock({ $0 }) { throw Full() }
      written.withLock { $0 += data }
    }
    writer.emit(DoneLine(job: "one", conditions: nil))
    #expect(throws: Full.self) { try writer.flush(now: true) }
    room.withLock { $0 = true }
    writer.emit(DoneLine(job: "two", conditions: nil))
    try writer.flush(now: true)
    #expect(try lines(written.withLock { $0 }).map { $0.text("job") } == ["two"])
  }

  @Test func whoWatchesIsToldOfLinesThatAreWritten() throws {
    let told = Guarded([String]())
    let writer = LineWriter({ _ in }) { line in told.withLock { $0.append((line as? DoneLine)?.job ?? "") } }
    writer.emit(DoneLine(job: "one", conditions: nil))
    #expect(told.withLock { $0 } == [])
    try writer.flush(now: true)
    #expect(told.withLock { $0 } == ["one"])
  }
}
