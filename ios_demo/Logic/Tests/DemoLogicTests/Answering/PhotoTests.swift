import Foundation
import MVMoE
import Testing

@testable import DemoLogic

/// Photos that the user picks, of any size.
@Suite(.enabled(if: RepositoryFiles.hasDigits, "make android-bundle makes the demo's bundle"))
@MainActor
struct PhotoTests {
  private func opened() async throws -> Demo {
    let demo = try await Demo.opened()
    demo.trying.choose(.photo)
    return demo
  }

  /// A pixel, a panorama, one that stands.
  @Test func photosOfAnySizeAreShownAndAnswered() async throws {
    let demo = try await opened()
    #expect(demo.trying.image.spoken == "No photo is picked")
    #expect(demo.trying.answer.more == "Pick a photo, and the answer appears here.")
    for (width, height) in [(1, 1), (9000, 30), (30, 9000), (640, 480)] {
      demo.pick(Images.photo(width, height))
      try await until("\(width) x \(height) is answered") {
        !demo.trying.isAnswering && demo.trying.photo.map { $0.width >= $0.height } == (width >= height)
      }
      #expect(demo.trying.error == nil && demo.trying.answer.probability != nil)
      #expect(demo.trying.image.spoken == "The picked photo")
      #expect(try #require(demo.trying.photo).scale <= 1)
    }
    await demo.end()
  }

  /// A decoder is asked for as many pixels as stay in memory: one of 100 million is never there as a whole.
  @Test func aPhotoOfAHundredMegapixelsIsDecodedToFour() async throws {
    let demo = try await opened()
    demo.trying.pick("large") { mostPixels in
      #expect(mostPixels == 4_000_000)
      return .grey([UInt8](repeating: 9, count: 2000 * 2000), width: 2000, height: 2000)
    }
    try await demo.untilAnswered()
    #expect(demo.trying.photo.map { max($0.width, $0.height) } == 720)
    await demo.end()
  }

  @Test func aPhotoOfMorePixelsThanAreReadIsTheLibrarysSentence() async throws {
    let demo = try await opened()
    let sentence = "the photo has 20000 x 20000 pixels; at most 100000000 are read: scale it down"
    demo.trying.pick("huge") { _ in throw MVMoEError(.imageTooLarge, sentence) }
    try await until("there is a sentence") { demo.trying.error != nil }
    #expect(demo.trying.error == sentence && !demo.trying.isAnswering)
    await demo.end()
  }

  @Test func whatIsNoPictureIsASentenceUntilThereIsAnotherPhoto() async throws {
    let demo = try await opened()
    demo.trying.pick("gone") { _ in throw CocoaError(.fileReadNoSuchFile) }
    try await until("there is a sentence") { demo.trying.error != nil }
    #expect(try #require(demo.trying.error).hasPrefix("The photo cannot be read ("))
    demo.pick(Images.photo(8, 8))
    try await demo.untilAnswered()
    #expect(demo.trying.error == nil)
    await demo.end()
  }

  @Test func aBufferThatContradictsItselfIsTheLibrarysSentence() async throws {
    let demo = try await opened()
    demo.pick(.rgba([1, 2, 3], width: 40, height: 40))
    try await until("there is a sentence") { demo.trying.error != nil }
    #expect(demo.trying.photo == nil && demo.trying.explanation == nil)
    await demo.end()
  }

  @Test func aPhotoIsDecodedOnceAndShownBeforeThereIsAModel() async throws {
    let demo = try Demo()
    let decoded = Count()
    demo.trying.choose(.photo)
    demo.trying.pick("here") { _ in
      await decoded.add()
      return Images.photo(30, 20)
    }
    try await until("the photo is shown") { demo.trying.photo != nil }
    #expect(demo.trying.isAnswering && demo.trying.photo?.width == 30)
    demo.store.start()
    try await demo.untilAnswered()
    demo.trying.choose(.draw)
    #expect(demo.trying.explanation == nil)
    demo.trying.choose(.photo)
    try await demo.untilAnswered()
    #expect(demo.trying.photoPlace == "here")
    #expect(await decoded.value == 1)
    await demo.end()
  }

  @Test func aPhotoIsThereAgainAfterTheAppHasEnded() async throws {
    let demo = try await opened()
    demo.trying.pick("/photos/one") { _ in Images.photo(30, 20) }
    let saved = demo.trying.saved
    await demo.end()
    let later = try Demo(in: demo.folder)
    later.trying.restore(saved) { place, _ in
      #expect(place == "/photos/one")
      return Images.photo(20, 30)
    }
    #expect(later.trying.source == .photo)
    later.store.start()
    try await later.untilAnswered()
    #expect(later.trying.photo?.height == 30)
    await later.end()
  }
}

private actor Count {
  private(set) var value = 0

  func add() { value += 1 }
}
