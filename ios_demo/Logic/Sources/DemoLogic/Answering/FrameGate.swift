import MVMoE

/// Takes frames of a camera from any thread: while one is worked on, only the newest waits, and older ones are dropped.
public final class FrameGate: Sendable {
  let frames: AsyncStream<PixelBuffer>
  private let door: AsyncStream<PixelBuffer>.Continuation

  init() { (frames, door) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  deinit { door.finish() }

  /// Takes a frame; it returns at once. The frame's memory is kept until it was answered, or a newer one has come.
  public func offer(_ frame: PixelBuffer) { door.yield(frame) }
}
