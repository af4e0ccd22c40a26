/// Takes levels of the input `[C, H, W]`, in any order.
protocol LevelSink {
  /// Levels of a channel, the first one for that place of it and the others `step` apart.
  func put(_ levels: UnsafePointer<Level>, count: Int, channel: Int, place: Int, step: Int)
}

/// The input itself: normalized levels.
struct NormalizedSink: LevelSink {
  let input: UnsafeMutableBufferPointer<Float>
  let pixels: Int
  let normalization: Normalization

  func put(_ levels: UnsafePointer<Level>, count: Int, channel: Int, place: Int, step: Int) {
    normalization.values[channel].withUnsafeBufferPointer { values in
      guard let first = input.baseAddress else { return }
      let into = first + channel * pixels + place
      for index in 0..<count { into[index &* step] = values[Int(levels[index])] }
    }
  }
}

/// Levels before they are normalized, a byte each.
struct ByteSink: LevelSink {
  let bytes: UnsafeMutableBufferPointer<UInt8>
  let pixels: Int

  func put(_ levels: UnsafePointer<Level>, count: Int, channel: Int, place: Int, step: Int) {
    for index in 0..<count {
      bytes[channel * pixels + place + index &* step] = UInt8(truncatingIfNeeded: levels[index])
    }
  }
}
