/// The camera while it is seen: asks for the permission, and says in a sentence what is in the way.
@MainActor
final class CameraUse {
  enum Phase {
    case off
    case asking
    case on
    case failed
  }

  private let camera: (any Camera)?
  private let frames: FrameGate

  /// Is told what is in the way; nil where nothing is any more.
  private let tell: @MainActor (String?) -> Void
  private(set) var phase = Phase.off

  init(_ camera: (any Camera)?, _ frames: FrameGate, tell: @escaping @MainActor (String?) -> Void) {
    self.camera = camera
    self.frames = frames
    self.tell = tell
  }

  /// Whether only the system's settings can allow it.
  var isRefused: Bool { camera?.permission == .refused }

  /// Begins, or ends; nothing happens where it is so already.
  func use(_ isWanted: Bool) {
    if !isWanted {
      stop()
    } else if phase == .off {
      begin()
    }
  }

  /// Tries again, when the user says so.
  func again() {
    stop()
    begin()
  }

  private func begin() {
    guard let camera, camera.isThere else { return fail(TryPhrase.cameraNone.text) }
    switch camera.permission {
    case .allowed: open(camera)
    case .refused: fail(TryPhrase.cameraRefused.text)
    case .unknown:
      phase = .asking
      Task { [weak self] in
        let isAllowed = await camera.ask()
        self?.answered(isAllowed, camera)
      }
    }
  }

  /// The user may have gone elsewhere meanwhile.
  private func answered(_ isAllowed: Bool, _ camera: any Camera) {
    guard phase == .asking else { return }
    if isAllowed { open(camera) } else { fail(TryPhrase.cameraRefused.text) }
  }

  private func open(_ camera: any Camera) {
    phase = .on
    tell(nil)
    camera.start(frames) { [weak self] reason in
      guard self?.phase == .on else { return }
      self?.fail(TryPhrase.cameraFailed.with(reason))
    }
  }

  private func stop() {
    if phase == .on { camera?.stop() }
    phase = .off
  }

  private func fail(_ sentence: String) {
    stop()
    phase = .failed
    tell(sentence)
  }
}
