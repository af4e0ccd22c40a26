/// Makes the model's input of images, to the last rounding as `docs/bundle.md`, *Preprocessing*, defines it.
///
/// May be used by several threads at once. Of an image it holds some rows at a time, whatever its size.
package struct Preprocessor: Sendable {
  private let input: InputSpec
  private let rule: any ResizeRule
  private let tables: PassTables
  private let normalization: Normalization
  private var channels: Int { input.channelOrder.channels }
  private var pixels: Int { input.height * input.width }

  /// - Parameter input: that of a manifest, which was checked.
  package init(_ input: InputSpec) {
    self.input = input
    rule = ResizeRules.find(input.resize) ?? Timm()
    tables = PassTables(interpolation: input.interpolation)
    normalization = Normalization(input)
  }

  /// Writes the input `[C, H, W]` of an image.
  ///
  /// - Throws: ``MVMoEError`` for a buffer that contradicts itself (`image.buffer-...`), and for images that are too long and
  ///   narrow (`image.too-large`).
  /// - Precondition: `into` has room for all of it.
  package func prepare(_ buffer: PixelBuffer, into: UnsafeMutableBufferPointer<Float>) throws -> InputTransform {
    precondition(into.count >= channels * pixels, "\(into.count) numbers are no room for the input \(input.shape)")
    return try run(buffer, NormalizedSink(input: into, pixels: pixels, normalization: normalization))
  }

  /// As ``prepare(_:into:)``, the levels `[C, H, W]` before they are normalized, a byte each.
  func levels(_ buffer: PixelBuffer) throws -> (levels: [UInt8], transform: InputTransform) {
    var levels = [UInt8](repeating: 0, count: channels * pixels)
    let transform = try levels.withUnsafeMutableBufferPointer { bytes in
      try run(buffer, ByteSink(bytes: bytes, pixels: pixels))
    }
    return (levels, transform)
  }

  private func run(_ buffer: PixelBuffer, _ sink: some LevelSink) throws -> InputTransform {
    try BufferCheck.require(buffer)
    let orientation = Orientation(buffer.orientation)
    let (width, height) =
      orientation.isTransposed ? (buffer.height, buffer.width) : (buffer.width, buffer.height)
    let transform = try InputPlacement.of(width: width, height: height, input: input, rule: rule)
    try InputPlacement.requireRoom(transform)
    withExtendedLifetime(buffer) { resample(buffer, orientation, transform, sink) }
    return transform
  }

  private func resample(
    _ buffer: PixelBuffer, _ orientation: Orientation, _ transform: InputTransform, _ sink: some LevelSink
  ) {
    let columns = seen(transform.left, transform.resizedWidth, input.width)
    let rows = seen(transform.top, transform.resizedHeight, input.height)
    if columns.count < input.width || rows.count < input.height { pad(sink) }
    let source = pixelRows(
      buffer, isGreyWanted: input.channelOrder == .grey, mostRead: max(buffer.width, input.width, input.height))
    let resampler = Resampler(
      source, columns: tables.table(samples: transform.imageWidth, made: transform.resizedWidth, window: columns),
      rows: tables.table(samples: transform.imageHeight, made: transform.resizedHeight, window: rows),
      orientation: orientation, storedWidth: buffer.width, storedHeight: buffer.height)
    let first = (rows.lowerBound - transform.top) * input.width + columns.lowerBound - transform.left
    let (between, along, count) =
      orientation.isTransposed ? (1, input.width, rows.count) : (input.width, 1, columns.count)
    resampler.run { line, levels in
      for channel in 0..<channels {
        let stored = levels.channel(levels.channels == 1 ? 0 : sample(of: channel))
        sink.put(stored, count: count, channel: channel, place: first + line * between, step: along)
      }
    }
  }

  /// Which of red, green and blue a channel of the input is.
  private func sample(of channel: Int) -> Int { input.channelOrder == .bgr ? 2 - channel : channel }

  private func pad(_ sink: some LevelSink) {
    for channel in 0..<channels {
      let row = [Level](repeating: Level(rule.padding(channel: channel, input: input)), count: input.width)
      for y in 0..<input.height {
        sink.put(row, count: row.count, channel: channel, place: y * input.width, step: 1)
      }
    }
  }

  /// The columns, or rows, of the resized image that are in the input.
  private func seen(_ begin: Int, _ resized: Int, _ side: Int) -> Range<Int> {
    max(begin, 0)..<min(begin + side, resized)
  }
}
