import AVFoundation
import DemoLogic

/// The camera on the back, or whichever there is: frames of 640 x 480 pixels, upright, the newest only.
@MainActor
final class PhoneCamera: Camera {
  private let session = CaptureSession()
  private var failures: Task<Void, Never>?

  var isThere: Bool { AVCaptureDevice.default(for: .video) != nil }

  var permission: CameraPermission {
    switch AVCaptureDevice.authorizationStatus(for: .video) {
    case .authorized: .allowed
    case .notDetermined: .unknown
    default: .refused
    }
  }

  func ask() async -> Bool { await AVCaptureDevice.requestAccess(for: .video) }

  func start(_ frames: FrameGate, failed: @escaping @MainActor (String) -> Void) {
    failures?.cancel()
    failures = Task { [session] in
      do {
        try await session.start(frames)
      } catch {
        failed(error.localizedDescription)
        return
      }
      for await reason in session.failures { failed(reason) }
    }
  }

  func stop() {
    failures?.cancel()
    Task { [session] in await session.stop() }
  }
}
