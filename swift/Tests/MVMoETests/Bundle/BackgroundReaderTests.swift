import Dispatch
import Testing

@testable import MVMoE

@Suite struct BackgroundReaderTests {
  @Test func wishesAreAskedInTheirOrder() async {
    let reader = BackgroundReader()
    let asked = Guarded<[Int]>([])
    for number in 0..<10 { reader.start { asked.withLock { $0.append(number) } } }
    await end(of: reader)
    #expect(asked.withLock { $0 } == Array(0..<10))
  }

  @Test func itsCallerDoesNotWaitAndWishesBeyondItsMostAreDropped() async {
    let reader = BackgroundReader()
    let (asked, gate) = (Guarded(0), DispatchSemaphore(value: 0))
    for _ in 0..<1000 {
      reader.start {
        gate.wait()
        asked.withLock { $0 += 1 }
      }
    }
    for _ in 0..<BackgroundReader.mostWishes { gate.signal() }
    while asked.withLock({ $0 }) < BackgroundReader.mostWishes { await Task.yield() }
    await end(of: reader)
    #expect(asked.withLock { $0 } == BackgroundReader.mostWishes)
  }

  /// Waits until all wishes so far were asked.
  private func end(of reader: BackgroundReader) async {
    let isOver = Guarded(false)
    while !isOver.withLock({ $0 }) {
      reader.start { isOver.withLock { $0 = true } }
      await Task.yield()
    }
  }
}
