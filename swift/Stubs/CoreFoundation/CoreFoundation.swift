/// https://developer.apple.com/documentation/corefoundation/cfallocator
public final class CFAllocator {
  init() { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/corefoundation/cfdictionary
public final class CFDictionary {
  init() { fatalError("a stub") }
}
