/// Tensors in a mapped file. The system brings pages in when they are used, and may drop them again.
///
/// The file itself need not stay open, and a tensor keeps the part of it that it lies in.
final class MappedBytes: StoredBytes {
  /// Where each part begins in the file, ascending.
  private let windows: [(start: Int, mapping: Mapping)]

  /// Maps the tensors of a file, in as few windows as hold each of them in one piece.
  ///
  /// - Throws: ``FileError`` where the file system cannot map, or there is no room for it.
  init(_ file: OpenFile, tensors: [StoredTensor]) throws {
    windows = try Self.windows(of: tensors).map { window in
      (window.lowerBound, try Mapping(of: file, from: window.lowerBound, byteCount: window.count))
    }
  }

  func tensor(at place: StoredTensor) throws -> Tensor {
    let range = place.range
    guard let (start, mapping) = windows.last(where: { $0.start <= range.lowerBound }),
      range.upperBound - start <= mapping.bytes.count
    else { throw FileError("no weights were mapped at byte \(range.lowerBound)") }
    let bytes = UnsafeMutableRawBufferPointer(
      rebasing: mapping.bytes[(range.lowerBound - start)...].prefix(range.count))
    return Tensor(dtype: place.dtype, shape: place.shape, bytes: bytes, owner: mapping)
  }

  func willNeed(_ range: Range<Int>) {
    for (start, mapping) in windows where start < range.upperBound && start + mapping.bytes.count > range.lowerBound {
      mapping.willNeed(max(range.lowerBound - start, 0)..<(range.upperBound - start))
    }
  }

  /// Smaller windows also find room where address space is scarce.
  private static let mostBytes = 1 << 28

  /// Where each window begins, on the border of a page, and ends. A tensor lies in the last one that does not begin behind it.
  private static func windows(of tensors: [StoredTensor]) -> [Range<Int>] {
    var windows: [Range<Int>] = []
    for tensor in tensors.map(\.range).sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
      let start = tensor.lowerBound - tensor.lowerBound % Mapping.pageBytes
      if let last = windows.last, tensor.upperBound <= last.upperBound { continue }
      if let last = windows.last, tensor.upperBound - last.lowerBound <= mostBytes {
        windows[windows.count - 1] = last.lowerBound..<tensor.upperBound
      } else {
        windows.append(start..<tensor.upperBound)
      }
    }
    return windows
  }
}

extension StoredTensor {
  /// Its place in the file; of a checked manifest, whose ranges are inside of the file.
  fileprivate var range: Range<Int> {
    let (end, overflows) = offset.addingReportingOverflow(byteCount(of: shape, dtype))
    return offset..<max(overflows ? Int.max : end, offset)
  }
}
