import Foundation
import MVMoE
import Observation

/// Where images come from.
public enum ImageSource: String, Sendable, CaseIterable, Codable {
  case draw
  case photo
  case camera
}

/// Answers what the user draws, picks or points the camera at: the newest image with the newest model.
///
/// It outlives the screen. What the cards of the screen say is in the folder `Cards`.
@Observable @MainActor
public final class TryModel {
  /// The most pixels of a photo that is decoded: it stays in memory while it is shown, and 4 million are 16 MB.
  public nonisolated static let mostPixels = 4_000_000

  /// Where images come from.
  public private(set) var source = ImageSource.draw

  /// What is on the canvas.
  public private(set) var drawing = Drawing()

  /// What the model is given of it; nil before it was.
  public private(set) var drawnImage: GreyImage?

  /// Where the photo is, as the app has said.
  public private(set) var photoPlace: String?

  /// The photo; nil before one is decoded.
  public private(set) var photo: Picture?

  /// The camera's last frame.
  public private(set) var frame: Picture?

  /// Whether an answer is to come.
  public private(set) var isAnswering = false

  /// The answer; nil before there is one.
  public internal(set) var explanation: Explanation?

  /// Why there is none, in a sentence.
  public private(set) var error: String?

  /// Where a camera's frames go.
  public nonisolated let frames = FrameGate()

  @ObservationIgnored let store: ModelStore
  @ObservationIgnored let words: Words
  @ObservationIgnored private let preview: Preview
  @ObservationIgnored private var camera: CameraUse?
  @ObservationIgnored private var picked: Photo?
  @ObservationIgnored private var isSeen = false
  @ObservationIgnored private var known: OpenModel?
  @ObservationIgnored private var answering: Task<Void, Never>?

  /// Whether the question is asked again when the app is on the screen.
  @ObservationIgnored private var isWaiting = false

  /// Whether anything was drawn, picked or chosen.
  @ObservationIgnored private var hasBegun = false

  /// Which question is answered: what earlier ones give is no news.
  @ObservationIgnored private var question = 0

  /// - Parameter camera: nil where the app has none.
  public convenience init(store: ModelStore, camera: (any Camera)?) {
    self.init(store: store, camera: camera, preview: Preview())
  }

  init(store: ModelStore, camera: (any Camera)? = nil, preview: Preview, words: Words = Words()) {
    self.store = store
    self.preview = preview
    self.words = words
    known = store.model
    self.camera = CameraUse(camera, frames) { [weak self] in self?.fail(.camera, $0) }
    store.follow { [weak self] in self?.lookAround() }
    Task { [weak self, frames = frames.frames] in
      for await frame in frames { await self?.answer(frame: frame) }
    }
  }

  // MARK: What the user does

  /// Shows another source of images.
  public func choose(_ source: ImageSource) {
    self.source = source
    explanation = nil
    error = nil
    useCamera()
    ask()
  }

  /// Answers a drawing; none if it is empty.
  public func draw(_ drawing: Drawing) {
    guard drawing != self.drawing else { return }
    self.drawing = drawing
    ask()
  }

  /// Answers the drawing with a stroke more.
  public func draw(_ stroke: Stroke) { draw(drawing.adding(stroke)) }

  /// Answers a photo.
  ///
  /// - Parameters:
  ///   - place: where it is, to be remembered.
  ///   - load: decodes it, to at most that many pixels.
  public func pick(_ place: String, load: @escaping @Sendable (_ mostPixels: Int) async throws -> PixelBuffer) {
    photoPlace = place
    picked = Photo(load)
    ask()
  }

  /// Says why a source gives no image; nil where it does again.
  public func fail(_ source: ImageSource, _ sentence: String?) {
    guard self.source == source else { return }
    explanation = nil
    isAnswering = false
    error = sentence
  }

  /// The screen can be seen from now on.
  public func appear() {
    isSeen = true
    useCamera()
  }

  /// It cannot be seen any more: the camera stops.
  public func disappear() {
    isSeen = false
    useCamera()
  }

  /// Does what the button beside the image says, but for what the app has to do: ``ImageCard/Action/pickPhoto`` and
  /// ``ImageCard/Action/openSettings``.
  public func act() {
    switch image.action {
    case .clear: draw(Drawing())
    case .allowCamera: camera?.again()
    case .pickPhoto, .openSettings: break
    }
  }

  /// Whether only the system's settings can allow the camera.
  var isCameraRefused: Bool { camera?.isRefused ?? false }

  // MARK: Surroundings

  private func useCamera() {
    camera?.use(isSeen && source == .camera && !store.conditions.isInBackground)
  }

  /// There may be another model, or the app may be on the screen again.
  private func lookAround() {
    useCamera()
    let isAnother = store.model !== known
    known = store.model
    if isAnother || (isWaiting && !store.conditions.isInBackground) { ask() }
  }

  // MARK: Images that stay

  private func ask() {
    answering?.cancel()
    question += 1
    isWaiting = false
    hasBegun = true
    switch source {
    case .draw: if drawing.isEmpty { return ask(nil) } else { ask(.drawing(drawing)) }
    case .photo: ask(picked.map(Subject.photo))
    case .camera: isAnswering = false
    }
  }

  private func ask(_ subject: Subject?) {
    guard let subject else {
      isAnswering = false
      explanation = nil
      return
    }
    isAnswering = true
    error = nil
    answering = Task { [question] in await answer(subject, question) }
  }

  private func answer(_ subject: Subject, _ question: Int) async {
    do {
      let pixels = try await pixels(of: subject, question)
      guard question == self.question, let model = store.model else { return }
      guard store.canCompute else { return wait() }
      let found = try await Explainer(model).still(pixels)
      guard question == self.question else { return }
      explanation = found
      isAnswering = false
    } catch {
      if question == self.question { refuse(error) }
    }
  }

  /// Those that the model is given; they are shown before.
  private func pixels(of subject: Subject, _ question: Int) async throws -> PixelBuffer {
    switch subject {
    case .photo(let photo):
      let pixels = try await photo.pixels()
      let picture = await Self.picture(pixels, preview)
      if question == self.question { self.photo = picture }
      return pixels
    case .drawing(let drawing):
      guard let input = store.model?.routed.bundle.manifest.input else { throw CancellationError() }
      let grey = await Self.grey(drawing, input)
      if question == self.question { drawnImage = grey }
      return .grey(grey.levels, width: grey.width, height: grey.height)
    }
  }

  /// Until the app is on the screen again.
  private func wait() {
    isWaiting = true
    error = AppPhrase.backgroundAnswering.text
  }

  private func refuse(_ failure: any Error) {
    if failure is CancellationError { return }
    // An engine that may not compute in the background is asked again when the app is on the screen.
    if store.conditions.isInBackground, isEngineFailure(failure) { return wait() }
    isAnswering = false
    explanation = nil
    error = sentence(of: failure)
  }

  // Beside the main thread.

  private nonisolated static func picture(_ pixels: PixelBuffer, _ preview: Preview) async -> Picture? {
    preview.picture(of: pixels)
  }

  private nonisolated static func grey(_ drawing: Drawing, _ input: InputSpec) async -> GreyImage {
    DrawnImage(width: input.width, height: input.height).grey(drawing)
  }

  // MARK: Frames

  /// Shows a frame of the camera, and answers it.
  private func answer(frame pixels: PixelBuffer) async {
    guard source == .camera else { return }
    frame = await Self.picture(pixels, preview)
    guard let model = store.model, store.canCompute else { return }
    do {
      let found = try await Explainer(model).frame(pixels)
      guard source == .camera else { return }
      explanation = found
      error = nil
    } catch  where model === store.model && !(error is CancellationError) {
      // That of a model which was replaced meanwhile is no news.
      fail(.camera, sentence(of: error))
    } catch {}
  }

  // MARK: After the app has ended

  /// Source, drawing and the photo's place, to be kept where the system keeps a scene's state.
  public var saved: String {
    let state = SavedState(source: source, drawing: drawing, photo: photoPlace)
    let encoder = JSONEncoder()
    // What did not change is the same text.
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(state)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// Goes on with what ``saved`` has kept, where nothing was asked yet; a text that it did not write is passed over.
  ///
  /// - Parameter load: decodes the photo at a place.
  public func restore(
    _ saved: String, load: @escaping @Sendable (_ place: String, _ mostPixels: Int) async throws -> PixelBuffer
  ) {
    guard !hasBegun, let state = try? JSONDecoder().decode(SavedState.self, from: Data(saved.utf8)) else { return }
    if let place = state.photo { pick(place) { try await load(place, $0) } }
    // Made anew, so that a place beside the canvas is moved to it.
    draw(Drawing(state.drawing.strokes.map { $0.map { Point(x: $0.x, y: $0.y) } }))
    choose(state.source)
  }
}

/// What is answered when it, or the model, changes.
private enum Subject {
  case drawing(Drawing)
  case photo(Photo)
}

/// A photo, which is decoded once.
@MainActor
private final class Photo {
  private let decoding: @Sendable (Int) async throws -> PixelBuffer
  private var decoded: PixelBuffer?

  init(_ decoding: @escaping @Sendable (Int) async throws -> PixelBuffer) { self.decoding = decoding }

  func pixels() async throws -> PixelBuffer {
    if let decoded { return decoded }
    do {
      let pixels = try await decoding(TryModel.mostPixels)
      decoded = pixels
      return pixels
    } catch let error as MVMoEError {
      throw error
    } catch let error as CancellationError {
      throw error
    } catch {
      throw MVMoEError(.imageUnreadable, TryPhrase.photoUnreadable.with(sentence(of: error)), cause: error)
    }
  }
}

/// What outlives the app.
private struct SavedState: Codable {
  var source: ImageSource
  var drawing: Drawing
  var photo: String?
}
