import Foundation

@testable import MVMoE

/// A case that a test cannot read: the test fails with it.
struct UnreadableCase: Error {
  let value: String
  let expected: String
}

/// The file of cases at a place.
func cases(in file: URL) throws -> JSONValue { try StrictJSON.parse([UInt8](Data(contentsOf: file))) }

/// How tests read values of a file of cases, which must be what they ask for.
extension JSONValue {
  /// A member that must be there.
  subscript(name: String) -> JSONValue {
    get throws {
      guard let member = try member(name) else { throw wrong("a member \(name)") }
      return member
    }
  }

  /// A member; nil where it is left out.
  func member(_ name: String) throws -> JSONValue? { try members().first { $0.key == name }?.value }

  func members() throws -> [(key: String, value: JSONValue)] {
    guard case .object(let members) = self else { throw wrong("an object") }
    return members
  }

  func items() throws -> [JSONValue] {
    guard case .array(let items) = self else { throw wrong("an array") }
    return items
  }

  func text() throws -> String {
    guard case .string(let text) = self else { throw wrong("a text") }
    return text
  }

  func int() throws -> Int {
    guard case .number(let text) = self, let number = Int(text) else { throw wrong("an integer") }
    return number
  }

  func ints() throws -> [Int] { try items().map { try $0.int() } }

  /// A number, or `"inf"`.
  func double() throws -> Double {
    if case .string("inf") = self { return .infinity }
    guard case .number(let text) = self, let number = Double(text) else { throw wrong("a number") }
    return number
  }

  /// A number, or nil where there is null.
  func doubleOrNil() throws -> Double? { isNull ? nil : try double() }

  func boolean() throws -> Bool {
    guard case .boolean(let value) = self else { throw wrong("a boolean") }
    return value
  }

  /// Numbers of fp32 as 8 hexadecimal digits of their bits each, the most significant first.
  func floats() throws -> [Float] { try fromBits(text()) }

  var isNull: Bool {
    if case .null = self { return true }
    return false
  }

  private func wrong(_ expected: String) -> UnreadableCase {
    UnreadableCase(value: String("\(self)".prefix(200)), expected: expected)
  }
}

/// Numbers of fp32 by their bits.
func fromBits(_ text: String) throws -> [Float] {
  let digits = Array(text.utf8)
  return try stride(from: 0, to: digits.count, by: 8).map { place in
    let part = String(decoding: digits[place..<min(place + 8, digits.count)], as: UTF8.self)
    guard let bits = UInt32(part, radix: 16) else {
      throw UnreadableCase(value: part, expected: "8 hexadecimal digits")
    }
    return Float(bitPattern: bits)
  }
}

/// The bits of numbers of fp32; `between` where one is none.
func toBits(_ numbers: [Double]) -> String {
  if numbers.contains(where: { !$0.isNaN && Double(Float($0)) != $0 }) { return "between" }
  return numbers.map { number in
    let digits = String(Float(number).bitPattern, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }.joined()
}
