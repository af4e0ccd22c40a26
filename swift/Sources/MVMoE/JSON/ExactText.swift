/// A text that equals another if their bytes do.
///
/// `String` compares by canonical equivalence: a composed `é` equals a decomposed one, and the sign of the kelvin a K. Other
/// readers take them for two keys, so this one must.
struct ExactText: Hashable {
  private let text: String

  init(_ text: String) { self.text = text }

  static func == (one: ExactText, other: ExactText) -> Bool {
    one.text.utf8.count == other.text.utf8.count && one.text.utf8.elementsEqual(other.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    let isHashed: Void? = text.utf8.withContiguousStorageIfAvailable {
      hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if isHashed == nil { text.utf8.forEach { hasher.combine($0) } }
  }
}
