import Foundation

/// https://developer.apple.com/documentation/cryptokit/digest
public protocol Digest: Hashable, ContiguousBytes, CustomStringConvertible, Sequence where Element == UInt8 {
  static var byteCount: Int { get }
}

/// https://developer.apple.com/documentation/cryptokit/sha256digest
public struct SHA256Digest: Digest {
  public static var byteCount: Int { 32 }
  public var description: String { fatalError("a stub") }
  public func makeIterator() -> Array<UInt8>.Iterator { fatalError("a stub") }
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/cryptokit/hashfunction
public protocol HashFunction {
  associatedtype Digest: CryptoKit.Digest
  init()
  mutating func update(bufferPointer: UnsafeRawBufferPointer)
  func finalize() -> Digest
}

/// https://developer.apple.com/documentation/cryptokit/sha256
public struct SHA256: HashFunction {
  public typealias Digest = SHA256Digest
  public init() { fatalError("a stub") }
  public mutating func update(bufferPointer: UnsafeRawBufferPointer) { fatalError("a stub") }
  public func finalize() -> Digest { fatalError("a stub") }
}
