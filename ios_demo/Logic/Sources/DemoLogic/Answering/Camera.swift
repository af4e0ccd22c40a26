/// The camera of the phone, as the app has it and tests stand in for it.
@MainActor
public protocol Camera: AnyObject {
  /// Whether there is one that gives frames.
  var isThere: Bool { get }

  /// What the user has said.
  var permission: CameraPermission { get }

  /// Asks the user; whether he allows it.
  func ask() async -> Bool

  /// Begins to give frames, until ``stop()``.
  ///
  /// - Parameter failed: is told why no frame comes, or none comes any more, in a few words.
  func start(_ frames: FrameGate, failed: @escaping @MainActor (String) -> Void)

  /// Gives no further frame.
  func stop()
}

/// Whether the app may use the camera.
public enum CameraPermission: Sendable, Hashable {
  /// The user was not asked yet.
  case unknown
  case allowed

  /// The system asks no more: only its settings change that.
  case refused
}
