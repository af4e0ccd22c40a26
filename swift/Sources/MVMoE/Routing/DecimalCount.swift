/// A whole number of any size, from 0 on, with the arithmetic that counts routes.
///
/// Foundation has no such type. The digits are those of base 10^9, so that the number is written without a division, and all
/// products fit 64 bits.
struct DecimalCount: Sendable, Equatable {
  private static let base: UInt64 = 1_000_000_000

  /// The lowest first; the last one is above 0 unless it is the only one.
  private var digits: [UInt32]

  /// A small number, from 0 on.
  init(_ number: Int) {
    digits = []
    var left = number.magnitude
    repeat {
      digits.append(UInt32(left % UInt(Self.base)))
      left /= UInt(Self.base)
    } while left > 0
  }

  /// Multiplies by a number above 0 and below 2^32.
  mutating func multiply(by factor: Int) {
    var carry: UInt64 = 0
    for place in digits.indices {
      let product = UInt64(digits[place]) * UInt64(factor) + carry
      digits[place] = UInt32(product % Self.base)
      carry = product / Self.base
    }
    append(carry)
  }

  /// Divides by a number above 0 and below 2^32, and drops the rest.
  mutating func divide(by divisor: Int) {
    var rest: UInt64 = 0
    for place in digits.indices.reversed() {
      let part = rest * Self.base + UInt64(digits[place])
      digits[place] = UInt32(part / UInt64(divisor))
      rest = part % UInt64(divisor)
    }
    while digits.count > 1 && digits.last == 0 { digits.removeLast() }
  }

  /// Adds a number.
  mutating func add(_ other: DecimalCount) {
    var carry: UInt64 = 0
    for place in 0..<max(digits.count, other.digits.count) {
      if place == digits.count { digits.append(0) }
      let theirs = place < other.digits.count ? other.digits[place] : 0
      let sum = UInt64(digits[place]) + UInt64(theirs) + carry
      digits[place] = UInt32(sum % Self.base)
      carry = sum / Self.base
    }
    append(carry)
  }

  private mutating func append(_ carry: UInt64) {
    var left = carry
    while left > 0 {
      digits.append(UInt32(left % Self.base))
      left /= Self.base
    }
  }
}

extension DecimalCount: CustomStringConvertible {
  /// All of its decimal digits.
  var description: String {
    let parts = digits.reversed().map(String.init)
    let filled = parts.dropFirst().map { String(repeating: "0", count: 9 - $0.count) + $0 }
    return parts.prefix(1).joined() + filled.joined()
  }
}
