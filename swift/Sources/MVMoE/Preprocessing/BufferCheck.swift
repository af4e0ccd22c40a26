/// Refuses buffers that contradict themselves, in the order of `docs/bundle.md`, *Buffers*.
enum BufferCheck {
  /// - Throws: ``MVMoEError`` (`image.buffer-...`).
  static func require(_ buffer: PixelBuffer) throws {
    try requireOrientation(buffer)
    try requireColours(buffer)
    try requireSize(buffer)
    let layouts = buffer.format.layouts
    guard buffer.planes.count == layouts.count else {
      let names = layouts.map(\.name).joined(separator: ", ")
      throw wrongFormat(buffer, "has \(buffer.planes.count) planes; expected \(layouts.count) (\(names)): give these")
    }
    for (plane, layout) in zip(buffer.planes, layouts) { try requirePlane(buffer, plane, layout) }
  }

  private static func requireOrientation(_ buffer: PixelBuffer) throws {
    guard (1...8).contains(buffer.orientation) else {
      throw wrongFormat(buffer, "has the orientation \(buffer.orientation); expected 1 to 8")
    }
  }

  private static func requireColours(_ buffer: PixelBuffer) throws {
    if buffer.format.hasChroma {
      guard buffer.matrix != nil else {
        throw wrongFormat(buffer, "has no matrix; give the one that the camera states, bt601 or bt709")
      }
      guard buffer.valueRange != nil else {
        throw wrongFormat(buffer, "has no value range; give the camera's, full or video")
      }
    } else if buffer.matrix != nil || buffer.valueRange != nil {
      throw wrongFormat(buffer, "has a matrix or a value range, and the format has no luma and chroma; leave them out")
    }
  }

  private static func requireSize(_ buffer: PixelBuffer) throws {
    let step = buffer.format.hasChroma ? 2 : 1
    for side in [buffer.width, buffer.height] where side < 1 || side % step != 0 {
      let numbers = step == 2 ? "even numbers" : "numbers"
      throw MVMoEError(
        .imageBufferSize,
        "a buffer of format \(buffer.format.rawValue) has \(buffer.width) x \(buffer.height) pixels; expected "
          + "\(numbers) above 0: give the sizes of its luma or pixel plane")
    }
  }

  private static func requirePlane(_ buffer: PixelBuffer, _ plane: Plane, _ layout: PlaneLayout) throws {
    let columns = buffer.width / layout.part
    let rows = buffer.height / layout.part
    try requireStride("pixel", plane.pixelStride, atLeast: layout.samples, layout)
    let row = reach(of: columns, stride: plane.pixelStride, last: layout.samples)
    try requireStride("row", plane.rowStride, atLeast: row, layout)
    let needed = reach(of: rows, stride: plane.rowStride, last: row)
    let found = plane.bytes.bytes.count
    guard found >= needed else {
      throw MVMoEError(
        .imageBufferTooShort,
        "the \(layout.name) plane has \(found) bytes; \(columns) x \(rows) pixels with its strides "
          + "(\(plane.rowStride), \(plane.pixelStride)) need \(needed): give all of the plane, and its own strides",
        fields: ["plane": .text(layout.name), "expected": .integer(needed), "found": .integer(found)])
    }
  }

  /// Bytes from the beginning of the first of some things to the end of the last one; a number that is too large for any
  /// memory is the largest one.
  private static func reach(of count: Int, stride: Int, last: Int) -> Int {
    let (before, isTooLarge) = (count - 1).multipliedReportingOverflow(by: stride)
    let (all, isTooLong) = before.addingReportingOverflow(last)
    return isTooLarge || isTooLong ? Int.max : all
  }

  private static func requireStride(_ kind: String, _ stride: Int, atLeast least: Int, _ layout: PlaneLayout) throws {
    guard stride < least else { return }
    throw MVMoEError(
      .imageBufferStride,
      "the \(kind) stride of the \(layout.name) plane is \(stride); expected at least \(least) bytes: give the stride that "
        + "the camera states",
      fields: ["plane": .text(layout.name), "expected": .integer(least), "found": .integer(stride)])
  }

  private static func wrongFormat(_ buffer: PixelBuffer, _ words: String) -> MVMoEError {
    MVMoEError(.imageBufferFormat, "a buffer of format \(buffer.format.rawValue) \(words)")
  }
}
