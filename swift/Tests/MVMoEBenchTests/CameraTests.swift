import Testing

@testable import MVMoEBench

@Suite struct CameraTests {
  /// Time passes only while somebody sleeps or answers.
  private final class FakeTime {
    var now = 5_000_000_000
    var slept: [Int] = []

    func camera(_ rate: Double) -> Camera {
      Camera(rate, clock: { self.now }) { nanoseconds in
        self.slept.append(nanoseconds)
        self.now += nanoseconds
      }
    }
  }

  private let time = FakeTime()

  private func after(_ frame: Int, _ camera: Camera) async throws -> Int {
    try await camera.frame(after: frame) { false }
  }

  @Test func framesComeAtTheRateAndTheTimeBetweenIsSlept() async throws {
    let camera = time.camera(100)
    #expect(try await after(-1, camera) == 0)
    time.now += 3_000_000
    #expect(try await after(0, camera) == 1)
    #expect(time.slept == [7_000_000])
    #expect(camera.late(1) == 0)
  }

  @Test func afterALongAnswerTheNewestFrameIsTakenAndNotThoseBefore() async throws {
    let camera = time.camera(100)
    time.now += 37_000_000
    #expect(try await after(0, camera) == 3)
    #expect(camera.late(3) == 7_000_000)
    #expect(time.slept.isEmpty)
  }

  @Test func aFrameIsNeverTakenTwice() async throws {
    let camera = time.camera(100)
    time.now += 12_000_000
    var taken = [0]
    for _ in 0..<3 { taken.append(try await after(taken.last ?? 0, camera)) }
    #expect(taken == [0, 1, 2, 3])
  }

  @Test func aLongWaitIsSleptInPiecesAndEndsWhereItIsCancelled() async throws {
    #expect(try await time.camera(1).frame(after: 0) { self.time.slept.count == 3 } == 1)
    #expect(time.slept == [100_000_000, 100_000_000, 100_000_000])
  }
}
