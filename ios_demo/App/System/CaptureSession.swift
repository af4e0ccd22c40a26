import AVFoundation
import DemoLogic
import MVMoE

/// Owns the capture session: starting one blocks, so it is an actor of its own.
actor CaptureSession {
  private let session = AVCaptureSession()
  private let queue = DispatchQueue(label: "io.github.mvmoe.demo.camera")
  private var receiver: FrameReceiver?

  /// Why frames have ended, in a few words.
  nonisolated var failures: AsyncStream<String> {
    AsyncStream { continuation in
      let task = Task {
        for await said in NotificationCenter.default.notifications(named: AVCaptureSession.runtimeErrorNotification)
          .map({ ($0.userInfo?[AVCaptureSessionErrorKey] as? NSError)?.localizedDescription })
        {
          continuation.yield(said ?? "the camera has ended")
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  func start(_ frames: FrameGate) throws {
    if receiver == nil { try configure() }
    receiver?.frames.withLock { $0 = frames }
    if !session.isRunning { session.startRunning() }
  }

  func stop() {
    receiver?.frames.withLock { $0 = nil }
    if session.isRunning { session.stopRunning() }
  }

  private func configure() throws {
    guard let camera = AVCaptureDevice.default(for: .video) else { throw AVError(.deviceNotConnected) }
    session.beginConfiguration()
    defer { session.commitConfiguration() }
    session.sessionPreset = .vga640x480
    let input = try AVCaptureDeviceInput(device: camera)
    let output = AVCaptureVideoDataOutput()
    output.alwaysDiscardsLateVideoFrames = true
    output.videoSettings = [
      String(kCVPixelBufferPixelFormatTypeKey as NSString): kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
    ]
    guard session.canAddInput(input), session.canAddOutput(output) else { throw AVError(.deviceNotConnected) }
    session.addInput(input)
    session.addOutput(output)
    let receiver = FrameReceiver()
    output.setSampleBufferDelegate(receiver, queue: queue)
    // Upright for a phone that is held upright, so that pixels need no turning.
    if let connection = output.connection(with: .video), connection.isVideoRotationAngleSupported(90) {
      connection.videoRotationAngle = 90
    }
    self.receiver = receiver
  }
}

/// Hands frames on from the camera's queue.
final class FrameReceiver: NSObject, AVCaptureVideoDataOutputSampleBufferDelegate, Sendable {
  /// Where they go; nil while the camera is stopped.
  let frames = Locked<FrameGate?>(nil)

  func captureOutput(
    _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
  ) {
    guard let pixels = CMSampleBufferGetImageBuffer(sampleBuffer) else { return }
    frames.withLock { gate in
      guard let gate, let frame = try? PixelBuffer(pixelBuffer: pixels) else { return }
      gate.offer(frame)
    }
  }
}
