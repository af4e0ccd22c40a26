#if canImport(CryptoKit)
  internal import CryptoKit
#else
  internal import CSystemCrypto
#endif

/// The SHA-256 of bytes that come in pieces.
package final class SHA256Digest {
  #if canImport(CryptoKit)
    private var state = SHA256()

    init() throws {}

    /// Goes on with these bytes.
    func update(_ bytes: UnsafeRawBufferPointer) { state.update(bufferPointer: bytes) }

    /// That of all bytes, as 64 hexadecimal digits in lower case; called once, at last.
    func finish() -> String { hexadecimal(state.finalize()) }
  #else
    private let state: OpaquePointer

    init() throws {
      guard let state = EVP_MD_CTX_new() else { throw FileError("Cannot allocate memory") }
      self.state = state
      if EVP_DigestInit_ex(state, EVP_sha256(), nil) != 1 { throw FileError("OpenSSL has no SHA-256") }
    }

    deinit { EVP_MD_CTX_free(state) }

    /// Goes on with these bytes.
    func update(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(state, bytes.baseAddress, bytes.count) }

    /// That of all bytes, as 64 hexadecimal digits in lower case; called once, at last.
    func finish() -> String {
      var digest = [UInt8](repeating: 0, count: 32)
      EVP_DigestFinal_ex(state, &digest, nil)
      return hexadecimal(digest)
    }
  #endif

  /// That of an array, as 64 hexadecimal digits in lower case.
  package static func hexadecimalDigits(of bytes: [UInt8]) throws -> String {
    let digest = try SHA256Digest()
    bytes.withUnsafeBytes(digest.update)
    return digest.finish()
  }
}

/// Bytes as lower-case digits.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
  return String(decoding: text, as: UTF8.self)
}
