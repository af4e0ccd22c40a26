import Testing

@testable import MVMoECoreML

@Suite struct HalvesTests {
  #if !(os(macOS) && arch(x86_64))
    @Test func everyHalfIsTheFloatThatSwiftMakesOfIt() {
      for bits in UInt16.min...UInt16.max {
        let (wanted, found) = (Float(Float16(bitPattern: bits)), Halves.float(bits))
        #expect(wanted.isNaN ? found.isNaN : wanted.bitPattern == found.bitPattern, "\(bits)")
      }
    }

    @Test func everyHalfComesBack() {
      for bits in UInt16.min...UInt16.max where !Float16(bitPattern: bits).isNaN {
        #expect(Halves.bits(Halves.float(bits)) == bits)
      }
    }

    @Test func floatsAreRoundedAsSwiftRoundsThem() {
      var random = SystemRandomNumberGenerator()
      for _ in 0..<100_000 {
        let number = Float(bitPattern: random.next())
        guard !number.isNaN else { continue }
        #expect(Halves.bits(number) == Float16(number).bitPattern, "\(number)")
      }
      // Around each half: itself, what lies in the middle to the next one, and the floats beside that.
      for bits in UInt16(0)..<0x7c00 {
        let (low, high) = (Halves.float(bits), bits == 0x7bff ? 65536 : Halves.float(bits + 1))
        let middle = (low + high) / 2
        for number in [low.nextUp, middle.nextDown, middle, middle.nextUp, -middle] {
          #expect(Halves.bits(number) == Float16(number).bitPattern, "\(number)")
        }
      }
    }
  #endif

  @Test func whatIsNoNumberStaysNone() {
    #expect(Halves.float(Halves.bits(.nan)).isNaN)
    #expect(Halves.bits(.infinity) == 0x7c00)
    #expect(Halves.bits(-.infinity) == 0xfc00)
  }
}
