/// One particular of an error: ``MVMoEError/fields``.
public enum ErrorValue: Sendable, Hashable {
  /// A text.
  case text(String)

  /// A whole number.
  case integer(Int)

  /// A number.
  case number(Double)

  /// A boolean.
  case boolean(Bool)

  /// Several values.
  case list([ErrorValue])

  /// Nothing: what was asked for does not exist.
  case none
}

extension ErrorValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .text(value) }

  public init(integerLiteral value: Int) { self = .integer(value) }

  public init(floatLiteral value: Double) { self = .number(value) }

  public init(booleanLiteral value: Bool) { self = .boolean(value) }

  public init(arrayLiteral elements: ErrorValue...) { self = .list(elements) }

  public init(nilLiteral: ()) { self = .none }
}
