import Foundation

@testable import MVMoE

/// JSON as tests write and compare it.
enum TestJSON: Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case array([TestJSON])
  case object([String: TestJSON])

  /// What a file says.
  init(contentsOf file: URL) throws { self.init(try StrictJSON.parse(Array(try Data(contentsOf: file)))) }

  init(_ value: JSONValue) {
    switch value {
    case .null: self = .null
    case .boolean(let value): self = .boolean(value)
    case .number(let text): self = Int(text).map(TestJSON.integer) ?? .number(Double(text) ?? .nan)
    case .string(let text): self = .text(text)
    case .array(let items): self = .array(items.map(TestJSON.init))
    case .object(let members):
      self = .object(Dictionary(members.map { ($0.key, TestJSON($0.value)) }) { first, _ in first })
    }
  }

  subscript(name: String) -> TestJSON {
    if case .object(let members) = self { members[name] ?? .null } else { .null }
  }

  var items: [TestJSON] { if case .array(let items) = self { items } else { [] } }

  var members: [String: TestJSON] { if case .object(let members) = self { members } else { [:] } }

  var text: String? { if case .text(let text) = self { text } else { nil } }

  var integer: Int? { if case .integer(let number) = self { number } else { nil } }

  var integers: [Int] { items.compactMap(\.integer) }

  var isTrue: Bool { self == .boolean(true) }

  /// A number; infinite where it is the text `inf`, which JSON has no number for.
  var double: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .number(let number): number
    case .text("inf"): .infinity
    default: nil
    }
  }

  /// Itself with some members more.
  func with(_ more: [String: TestJSON]) -> TestJSON { .object(members.merging(more) { _, new in new }) }
}

extension TestJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  init(stringLiteral value: String) { self = .text(value) }

  init(integerLiteral value: Int) { self = .integer(value) }

  init(floatLiteral value: Double) { self = .number(value) }

  init(booleanLiteral value: Bool) { self = .boolean(value) }

  init(arrayLiteral elements: TestJSON...) { self = .array(elements) }

  init(dictionaryLiteral elements: (String, TestJSON)...) {
    self = .object(Dictionary(elements) { first, _ in first })
  }

  init(nilLiteral: ()) { self = .null }
}

extension TestJSON: CustomStringConvertible {
  /// Itself as JSON; texts hold no characters to escape.
  var description: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .text(let text): "\"\(text)\""
    case .array(let items): "[\(items.map(\.description).joined(separator: ","))]"
    case .object(let members):
      "{\(members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ","))}"
    }
  }
}

extension TestJSON {
  static func numbers(_ numbers: [Int]) -> TestJSON { .array(numbers.map(TestJSON.integer)) }

  static func texts(_ texts: [String]) -> TestJSON { .array(texts.map(TestJSON.text)) }

  /// A tensor of fp32 as a manifest has it.
  static func tensor(_ name: String, _ shape: [Int]) -> TestJSON {
    ["name": .text(name), "shape": .numbers(shape), "dtype": "float32"]
  }

  /// A file of a bundle as a manifest has it.
  static func fileRecord(_ file: URL) throws -> TestJSON {
    let content = Array(try Data(contentsOf: file))
    return [
      "path": .text(file.lastPathComponent), "bytes": .integer(content.count),
      "sha256": .text(try SHA256Digest.hexadecimalDigits(of: content)),
    ]
  }
}
