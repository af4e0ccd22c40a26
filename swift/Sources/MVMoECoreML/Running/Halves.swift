/// Numbers of fp16 by their bits: not every Mac's Swift has the type.
enum Halves {
  /// The number as fp32, exactly.
  static func float(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let fraction = UInt32(bits & 0x3ff)
    switch exponent {
    case 0x1f:
      return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    case 0:
      // Below 2^-14 they are multiples of 2^-24.
      let size = Float(fraction) * 0x1p-24
      return Float(bitPattern: size.bitPattern | sign)
    default:
      return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The nearest number of fp16, of two the even one; infinite beyond its range.
  static func bits(_ number: Float) -> UInt16 {
    let sign = UInt16(number.bitPattern >> 16) & 0x8000
    let size = number.magnitude
    if number.isNaN { return sign | 0x7e00 }
    if size >= 65520 { return sign | 0x7c00 }
    if size < 0x1p-14 { return sign | UInt16((size * 0x1p24).rounded(.toNearestOrEven)) }
    // The ten bits that stay, rounded; a carry goes into the exponent.
    let bits = size.bitPattern - 112 << 23
    let half = (bits >> 13) &+ ((bits >> 12) & 1 & ((bits & 0xfff != 0 ? 1 : 0) | (bits >> 13 & 1)))
    return sign | UInt16(truncatingIfNeeded: half)
  }
}
