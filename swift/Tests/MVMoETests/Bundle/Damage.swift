@testable import MVMoE

/// Changes bytes and values by chance, always in the same way for one seed.
struct Damage {
  private var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// Some bytes changed, left out, put in, or a piece written twice or cut off.
  mutating func bytes(_ bytes: [UInt8]) -> [UInt8] {
    let at = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, at + Int.random(in: 1...8, using: &random))
    let (before, piece, after) = (bytes[..<at], bytes[at..<end], bytes[end...])
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return joined(before, piece.map { _ in UInt8.random(in: 0...255, using: &random) }, after)
    case 1: return joined(before, [], after)
    case 2: return joined(before, Array(piece + piece), after)
    case 3: return Int.random(in: 0..<4, using: &random) == 0 ? Array(before) : bytes
    case 4: return joined(before, Array(choice(of: Damage.signs).utf8), after)
    default:
      let change = Int8.random(in: -1...1, using: &random)
      return joined(before, [bytes[at] &+ UInt8(bitPattern: change)], bytes[(at + 1)...])
    }
  }

  private func joined(_ before: ArraySlice<UInt8>, _ piece: [UInt8], _ after: ArraySlice<UInt8>) -> [UInt8] {
    var bytes = Array(before)
    bytes += piece
    bytes += after
    return bytes
  }

  /// One to three values of a manifest, each in the place of another, or one at the end of a range.
  mutating func values(_ manifest: JSONValue) -> JSONValue {
    var manifest = manifest
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let values = manifest.innermost
      let place = Int.random(in: 0..<values.count, using: &random)
      // Mostly of the same type: the others end at the first check.
      let alike = values.filter { $0.kind == values[place].kind }
      let isAlike = Int.random(in: 0..<4, using: &random) > 0
      var left = place
      manifest = manifest.replacing(isAlike ? choice(of: alike) : choice(of: Damage.values), at: &left)
    }
    return manifest
  }

  private mutating func choice<Item>(of items: [Item]) -> Item { items[Int.random(in: items.indices, using: &random)] }

  private static let signs = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\ud800", "null", "1e999", "-", "\0", "\u{feff}", "\u{212a}", "e\u{301}",
  ]

  private static let values: [JSONValue] =
    ["0", "1", "-1", "2", "4096", "4097", "2147483647", "2147483648", "9007199254740992", "9223372036854775807"].map(
      JSONValue.number)
    + ["9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e308", "1e309", "0.5"].map(
      JSONValue.number)
    + [nil, true, [], [:], "", "image", [0], [0, 1], [1, 0], [[]], [.number("9223372036854775807")]]
    + ["a/../b", "gather", "bind", "experts", "in-graph"]
}

extension JSONValue {
  /// Values without others in them, but for empty and simple ones.
  fileprivate var innermost: [JSONValue] {
    switch self {
    case .array(let items) where !isSimple: items.flatMap(\.innermost)
    case .object(let members) where !isSimple: members.flatMap(\.value.innermost)
    default: [self]
    }
  }

  /// The same with another value in the place of one of ``innermost``.
  fileprivate func replacing(_ other: JSONValue, at place: inout Int) -> JSONValue {
    switch self {
    case .array(let items) where !isSimple:
      return .array(items.map { $0.replacing(other, at: &place) })
    case .object(let members) where !isSimple:
      return .object(members.map { ($0.key, $0.value.replacing(other, at: &place)) })
    default:
      place -= 1
      return place == -1 ? other : self
    }
  }

  /// Whether no array or object is within it.
  private var isSimple: Bool {
    (list + object.map(\.value)).allSatisfy { value in
      switch value {
      case .array, .object: false
      default: true
      }
    }
  }
}
