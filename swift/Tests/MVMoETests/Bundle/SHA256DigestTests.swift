import Testing

@testable import MVMoE

@Suite struct SHA256DigestTests {
  /// From FIPS 180-4's examples.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func whatTheStandardSays(_ text: String, _ digits: String) throws {
    #expect(try SHA256Digest.hexadecimalDigits(of: Array(text.utf8)) == digits)
  }

  @Test func piecesOfAnyLengthMakeOneDigest() throws {
    let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    let digest = try SHA256Digest()
    var place = 0
    for length in sequence(first: 0, next: { $0 * 2 + 1 }) where place < million.count {
      let end = min(place + length, million.count)
      million[place..<end].withUnsafeBytes(digest.update)
      place = end
      if place == million.count { break }
    }
    #expect(digest.finish() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func bytesAreTwoDigitsEach() {
    #expect(hexadecimal([0x00, 0x0f, 0xa0, 0xff]) == "000fa0ff")
    #expect(hexadecimal([]) == "")
  }
}
