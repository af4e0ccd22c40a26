/// A value with its place; asks what it is, and refuses all else.
///
/// Every method throws ``MVMoEError`` with the code `bundle.manifest-wrong-type` or `bundle.manifest-out-of-range`.
package struct Field {
  package let value: JSONValue

  package let path: JSONPath

  package init(value: JSONValue, path: JSONPath) {
    self.value = value
    self.path = path
  }

  /// As many items or members as there are.
  package static let anySize = 0...Int.max

  package func boolean() throws -> Bool {
    guard case .boolean(let value) = value else { throw wrongType("a boolean") }
    return value
  }

  package func int(_ range: ClosedRange<Int>) throws -> Int {
    let text = try integer()
    guard let number = Int(text), range.contains(number) else {
      throw outOfRange("an integer from \(range.lowerBound) to \(range.upperBound)", text)
    }
    return number
  }

  /// An integer of any size: one that 32 bits do not hold becomes the largest or the smallest that they do, so that nothing
  /// computed with it overflows.
  package func anyInt() throws -> Int {
    let text = try integer()
    let number = Int(text) ?? (text.utf8.first == UInt8(ascii: "-") ? Int.min : Int.max)
    return Int(Int32(clamping: number))
  }

  package func number(_ range: NumberRange) throws -> Double {
    guard case .number(let text) = value else { throw wrongType("a number \(range)") }
    guard let number = Double(text), range.contains(number) else { throw outOfRange("a number \(range)", text) }
    return number
  }

  package func text(_ form: TextForm = .text) throws -> String {
    guard case .string(let text) = value else { throw wrongType("\(form)") }
    guard form.contains(text) else { throw outOfRange("\(form)", quoted(text)) }
    return text
  }

  package func oneOf(_ known: [String]) throws -> String { try oneOf(known.map { ($0, $0) }) }

  /// What one of these names stands for.
  package func oneOf<T>(_ known: [(name: String, meaning: T)]) throws -> T {
    let expected = "one of \(known.map(\.name).joined(separator: ", "))"
    guard case .string(let text) = value else { throw wrongType(expected) }
    guard let found = known.first(where: { ExactText($0.name) == ExactText(text) }) else {
      throw outOfRange(expected, quoted(text))
    }
    return found.meaning
  }

  package func list<T>(_ read: (Field) throws -> T) throws -> [T] { try list(Field.anySize, read) }

  package func list<T>(_ sizes: ClosedRange<Int>, _ read: (Field) throws -> T) throws -> [T] {
    guard case .array(let items) = value else { throw wrongType("an array") }
    try requireSize(items.count, sizes, "items")
    var result: [T] = []
    result.reserveCapacity(items.count)
    for (index, item) in items.enumerated() { result.append(try read(Field(value: item, path: path.item(index)))) }
    return result
  }

  /// An object of any members, whose keys have a form of ASCII characters alone.
  package func map<T>(
    keys: TextForm = .name, sizes: ClosedRange<Int> = Field.anySize, _ read: (Field) throws -> T
  ) throws -> [String: T] {
    let members = try named(keys: keys, sizes: sizes) { try read($1) }
    return Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
  }

  /// As ``map(keys:sizes:_:)``, in the order of the text, for members that have to know their key.
  package func named<T>(
    keys: TextForm = .name, sizes: ClosedRange<Int> = Field.anySize, _ read: (String, Field) throws -> T
  ) throws -> [(key: String, value: T)] {
    let members = try members()
    try requireSize(members.count, sizes, "members")
    return try members.map { key, member in
      guard keys.contains(key) else { throw outOfRange("keys that are each \(keys)", "with the key \(quoted(key))") }
      return (key, try read(key, Field(value: member, path: path.member(key))))
    }
  }

  /// The members of an object, in the order of the text.
  package func members() throws -> [(key: String, value: JSONValue)] {
    guard case .object(let members) = value else { throw wrongType("an object") }
    return members
  }

  /// An object of known fields; refuses those that `read` has not asked for.
  package func record<T>(_ read: (Fields) throws -> T) throws -> T {
    let fields = try Fields(value, path)
    let result = try read(fields)
    try fields.end()
    return result
  }

  /// What `read` makes of the value; nil for null.
  package func orNil<T>(_ read: (Field) throws -> T) throws -> T? {
    if case .null = value { return nil }
    return try read(self)
  }

  private func integer() throws -> String {
    guard case .number(let text) = value, JSONValue.isInteger(text) else { throw wrongType("an integer") }
    return text
  }

  private func requireSize(_ size: Int, _ sizes: ClosedRange<Int>, _ what: String) throws {
    guard sizes.contains(size) else { throw outOfRange("\(words(sizes)) \(what)", "of \(size) \(what)") }
  }

  private func words(_ sizes: ClosedRange<Int>) -> String {
    if sizes.upperBound == .max { return "at least \(sizes.lowerBound)" }
    return sizes.lowerBound == 0 ? "at most \(sizes.upperBound)" : "\(sizes.lowerBound) to \(sizes.upperBound)"
  }

  private func wrongType(_ expected: String) -> MVMoEError {
    MVMoEError(
      .bundleManifestWrongType, "\(path) is \(value.kind); expected \(expected)",
      fields: ["path": .text("\(path)"), "expected": .text(expected), "found": .text(value.kind)])
  }

  private func outOfRange(_ expected: String, _ found: String) -> MVMoEError {
    MVMoEError(
      .bundleManifestOutOfRange, "\(path) is \(shortened(found)); expected \(expected)",
      fields: ["path": .text("\(path)"), "expected": .text(expected)])
  }
}
