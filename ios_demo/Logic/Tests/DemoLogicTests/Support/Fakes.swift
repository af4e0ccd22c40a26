import Foundation
import MVMoE

@testable import DemoLogic

/// What a test says is around the app.
@MainActor
final class FakeSurroundings: Surroundings {
  private(set) var conditions = Conditions()
  private var followers: [@MainActor (SurroundingsEvent) -> Void] = []

  func follow(_ follower: @escaping @MainActor (SurroundingsEvent) -> Void) { followers.append(follower) }

  func change(_ change: (inout Conditions) -> Void) {
    change(&conditions)
    for follower in followers { follower(.changed(conditions)) }
  }

  func leaveScreen() { change { $0.isInBackground = true } }

  func returnToScreen() { change { $0.isInBackground = false } }

  func warnOfMemory() {
    for follower in followers { follower(.memoryWarning) }
  }
}

/// A camera whose user and frames are the test's.
@MainActor
final class FakeCamera: Camera {
  var isThere = true
  var permission = CameraPermission.unknown
  var answer = true
  private(set) var timesAsked = 0
  private(set) var timesStarted = 0
  private(set) var isOn = false
  private var frames: FrameGate?
  private var failed: (@MainActor (String) -> Void)?

  func ask() async -> Bool {
    timesAsked += 1
    permission = answer ? .allowed : .refused
    return answer
  }

  func start(_ frames: FrameGate, failed: @escaping @MainActor (String) -> Void) {
    timesStarted += 1
    isOn = true
    self.frames = frames
    self.failed = failed
  }

  func stop() {
    isOn = false
    frames = nil
  }

  func give(_ frame: PixelBuffer) { frames?.offer(frame) }

  func fail(_ reason: String) { failed?(reason) }
}

/// Buffers of a size.
enum Images {
  /// A photo, as Apple's systems decode it.
  static func photo(_ width: Int, _ height: Int) -> PixelBuffer {
    .rgba([UInt8](repeating: 130, count: 4 * width * height), width: width, height: height)
  }

  /// A camera's frame, white, which stands upright when it is turned by 90 degrees.
  static func frame(_ width: Int = 64, _ height: Int = 48) -> PixelBuffer {
    let luma = Plane(PixelBytes([UInt8](repeating: 255, count: width * height)), rowStride: width, pixelStride: 1)
    let chroma = Plane(PixelBytes([UInt8](repeating: 128, count: width * height / 2)), rowStride: width, pixelStride: 2)
    return PixelBuffer(
      format: .nv12, width: width, height: height, planes: [luma, chroma], orientation: 6, matrix: .bt601,
      valueRange: .full)
  }
}
