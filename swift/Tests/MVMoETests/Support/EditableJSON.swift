@testable import MVMoE

/// JSON that tests write and change. What a test reads is in `JSONCases.swift`.
extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }

  public init(booleanLiteral value: Bool) { self = .boolean(value) }

  public init(integerLiteral value: Int) { self = .number("\(value)") }

  public init(floatLiteral value: Double) { self = .number("\(value)") }

  public init(stringLiteral value: String) { self = .string(value) }

  public init(arrayLiteral items: JSONValue...) { self = .array(items) }

  public init(dictionaryLiteral members: (String, JSONValue)...) { self = .object(members.map { ($0, $1) }) }

  static func of(_ value: Bool) -> JSONValue { .boolean(value) }

  static func of(_ value: Int?) -> JSONValue { value.map { .number("\($0)") } ?? .null }

  static func of(_ value: Double) -> JSONValue { .number("\(value)") }

  static func of(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

  static func of(_ items: [Int]?) -> JSONValue { items.map { .array($0.map { .of($0) }) } ?? .null }

  static func of(_ items: [Double]) -> JSONValue { .array(items.map { .of($0) }) }

  static func of(_ items: [String]?) -> JSONValue { items.map { .array($0.map { .of($0) }) } ?? .null }

  static func of<Value>(_ members: [String: Value], _ value: (Value) -> JSONValue) -> JSONValue {
    .object(members.sorted { $0.key < $1.key }.map { ($0.key, value($0.value)) })
  }

  /// One step to a value within another.
  enum Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case member(String)
    case item(Int)

    init(stringLiteral name: String) { self = .member(name) }

    init(integerLiteral index: Int) { self = .item(index) }
  }

  /// The value at a place, `manifest[at: "stages", 1, "rule"]`; null where there is nothing. A member that is not there is
  /// made; an item is put behind the others.
  subscript(at steps: Step...) -> JSONValue {
    get { steps.reduce(self) { $0.value($1) } }
    set { self = setting(newValue, steps[...]) }
  }

  private func value(_ step: Step) -> JSONValue {
    switch (step, self) {
    case (.member(let name), .object(let members)): members.first { $0.key == name }?.value ?? .null
    case (.item(let index), .array(let items)): items.indices.contains(index) ? items[index] : .null
    default: .null
    }
  }

  private func setting(_ value: JSONValue, _ steps: ArraySlice<Step>) -> JSONValue {
    guard let step = steps.first else { return value }
    let changed = self.value(step).setting(value, steps.dropFirst())
    switch (step, self) {
    case (.member(let name), .object(var members)):
      if let place = members.firstIndex(where: { $0.key == name }) {
        members[place].value = changed
      } else {
        members.append((name, changed))
      }
      return .object(members)
    case (.item(let index), .array(var items)):
      if items.indices.contains(index) { items[index] = changed } else { items.append(changed) }
      return .array(items)
    default:
      return self
    }
  }

  /// The items of an array; none of anything else.
  var list: [JSONValue] {
    get {
      guard case .array(let items) = self else { return [] }
      return items
    }
    set { self = .array(newValue) }
  }

  /// The members of an object; none of anything else.
  var object: [(key: String, value: JSONValue)] {
    get {
      guard case .object(let members) = self else { return [] }
      return members
    }
    set { self = .object(newValue) }
  }

  /// The JSON text; names and texts of tests need no escapes.
  var json: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let text): text
    case .string(let text): "\"\(text)\""
    case .array(let items): "[\(items.map(\.json).joined(separator: ","))]"
    case .object(let members): "{\(members.map { "\"\($0)\":\($1.json)" }.joined(separator: ","))}"
    }
  }

  /// The same for all texts that say the same: members by name, numbers as doubles.
  var canonical: String {
    switch self {
    case .number(let text): Double(text).map { "\($0)" } ?? text
    case .array(let items): "[\(items.map(\.canonical).joined(separator: ","))]"
    case .object(let members):
      "{\(members.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1.canonical)" }.joined(separator: ","))}"
    default: json
    }
  }
}
