/// Plain data, as JSON has it; the members of an object keep their order.
public enum PlainData: Sendable {
  /// Nothing.
  case null

  /// A boolean.
  case boolean(Bool)

  /// A whole number.
  case integer(Int)

  /// A number.
  case number(Double)

  /// A number of single precision, written with as many digits as it has.
  case float(Float)

  /// A text.
  case text(String)

  /// Several values.
  case list([PlainData])

  /// Values by name.
  case object([(name: String, value: PlainData)])
}

extension PlainData {
  /// A text; null for nil.
  public static func optional(_ text: String?) -> PlainData { text.map(PlainData.text) ?? .null }

  /// A whole number; null for nil.
  public static func optional(_ number: Int?) -> PlainData { number.map(PlainData.integer) ?? .null }

  /// A number; null for nil.
  public static func optional(_ number: Double?) -> PlainData { number.map(PlainData.number) ?? .null }

  /// Values by name, in the order of the names.
  public static func named(_ values: [String: PlainData]) -> PlainData {
    .object(values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  /// Whole numbers.
  static func integers(_ numbers: [Int]) -> PlainData { .list(numbers.map(PlainData.integer)) }

  /// Texts.
  static func texts(_ texts: [String]) -> PlainData { .list(texts.map(PlainData.text)) }

  /// What `plain` makes of a value; null for nil.
  static func optional<Value>(_ value: Value?, _ plain: (Value) -> PlainData) -> PlainData {
    value.map(plain) ?? .null
  }
}

extension PlainData: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
  public init(dictionaryLiteral members: (String, PlainData)...) {
    self = .object(members.map { (name: $0.0, value: $0.1) })
  }

  public init(arrayLiteral items: PlainData...) { self = .list(items) }

  public init(stringLiteral value: String) { self = .text(value) }

  public init(integerLiteral value: Int) { self = .integer(value) }

  public init(booleanLiteral value: Bool) { self = .boolean(value) }

  public init(nilLiteral: ()) { self = .null }
}
