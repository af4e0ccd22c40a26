/// Texts as C has them, each ended by a zero, as long as this object.
///
/// It is `@unchecked Sendable` because they are never written.
final class CStrings: @unchecked Sendable {
  let pointers: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>
  private let text: UnsafeMutableBufferPointer<CChar>

  init(_ strings: [String]) {
    let ended = strings.map { Array($0.utf8CString) }
    text = .allocate(capacity: ended.reduce(0) { $0 + $1.count })
    _ = text.initialize(from: ended.joined())
    pointers = .allocate(capacity: ended.count)
    var start = 0
    for (index, string) in ended.enumerated() {
      pointers.initializeElement(at: index, to: text.baseAddress.map { UnsafePointer($0 + start) })
      start += string.count
    }
  }

  deinit {
    pointers.deallocate()
    text.deallocate()
  }
}
