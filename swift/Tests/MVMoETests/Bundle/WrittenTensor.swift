@testable import MVMoE

/// A tensor of a safetensors file that a test writes.
struct WrittenTensor {
  var name: String
  var dtype: String
  var shape: [Int]
  let bytes: [UInt8]

  /// What the header says of its place, where that is not true.
  var offsets: [Int]?

  static func floats(_ name: String, _ shape: [Int], _ value: (Int) -> Float) -> WrittenTensor {
    let bytes = (0..<elementCount(of: shape)).flatMap { littleEndianBytes(value($0).bitPattern) }
    return WrittenTensor(name: name, dtype: "F32", shape: shape, bytes: bytes)
  }

  /// What a header says of it, at the place `start`.
  func entry(_ start: Int) -> String {
    "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets ?? [start, start + bytes.count])}"
  }
}

/// A file of tensors one behind the other, with more in its header.
func safetensors(_ tensors: [WrittenTensor], more: [String] = []) -> [UInt8] {
  var entries: [String] = more
  var end = 0
  for tensor in tensors {
    entries.append(tensor.entry(end))
    end += tensor.bytes.count
  }
  return withHeader(Array("{\(entries.joined(separator: ","))}".utf8), tensors.map(\.bytes))
}

/// A file with this header before the contents, which may claim another length.
func withHeader(_ header: [UInt8], _ contents: [[UInt8]], length: UInt64? = nil) -> [UInt8] {
  littleEndianBytes(length ?? UInt64(header.count)) + header + Array(contents.joined())
}

private func littleEndianBytes(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
